"""Kinds of dirt in text columns, each a maker (values, luck) → values for `Draft.spoil`."""

from __future__ import annotations

import numpy as np
import polars as pl

from connectors.standards import resident_id
from simulator.views.base import Draft, Floats, Maker, constant

_FULL_WIDTH = {chr(48 + i): chr(0xFF10 + i) for i in range(10)}
_CHINESE = dict(zip("123456789", "一二三四五六七八九", strict=True))
_HOMOPHONES = dict(
    pair
    for pairs in (
        "伟炜 芳方 娜那 敏闵 静婧 丽莉 强墙 磊垒 军君 洋杨 勇咏 艳燕 杰洁 娟涓 涛滔 明铭 超朝 秀绣 霞暇 平萍",
        "刚钢 桂贵 英瑛 华桦 玉钰 梅玫 建健 文雯 红虹 波博 辉晖 斌彬 国果 志智 云芸 峰锋 兰岚 琴芹 林琳 珍真",
        "凤奉 春椿 荣蓉 生声 香湘 欣新 宇雨 浩皓 婷廷 鑫心 佳嘉 怡宜 轩萱 涵晗 梓紫 子籽 泽择 晨辰 睿瑞 悦越",
        "诗施 雪薛 倩茜 颖莹 慧惠 鹏朋 飞菲 亮量 凯楷 龙隆 阳扬 丹单 根跟",
    )
    for pair in ((p[0], p[1]) for p in pairs.split())
)


def _flat(values: pl.Series, width: int) -> np.ndarray:
    """ASCII values of one width as an (n, width) array of bytes."""
    return np.array(values.to_list(), dtype=f"S{width}").view(np.uint8).reshape(len(values), width).copy()


def _text(matrix: np.ndarray) -> pl.Series:
    width = matrix.shape[1]
    return pl.Series(np.ascontiguousarray(matrix).view(f"S{width}").ravel().astype(f"U{width}"), dtype=pl.String)


def swapped_digits(values: pl.Series, luck: Floats) -> pl.Series:
    """18-character numbers with two neighbouring digits of the birth date or sequence swapped.

    Equal neighbours leave no trace, so there the second digit is raised by one instead.
    """
    matrix = _flat(values, 18)
    rows, at = np.arange(len(values)), 8 + (luck * 8).astype(np.int64)
    first, second = matrix[rows, at], matrix[rows, at + 1]
    raised = (second - 48 + 1) % 10 + 48
    matrix[rows, at] = second
    matrix[rows, at + 1] = np.where(first == second, raised, first)
    return _text(matrix)


def wrong_check(values: pl.Series, luck: Floats) -> pl.Series:
    """The last character replaced by another digit."""
    matrix = _flat(values, len(values[0]))
    last = matrix[:, -1].astype(np.int64)
    digit = np.where((last >= 48) & (last <= 57), last - 48, 0)
    matrix[:, -1] = (digit + 1 + (luck * 9).astype(np.int64)) % 10 + 48
    return _text(matrix)


def thirtieth_of_february(values: pl.Series, luck: Floats) -> pl.Series:
    """Identity numbers whose birth date does not exist."""
    return values.str.slice(0, 10) + "0230" + values.str.slice(14)


def shortened(values: pl.Series, luck: Floats) -> pl.Series:
    """A digit lost while typing."""
    return values.str.slice(0, 12) + values.str.slice(13)


def legacy_15(values: pl.Series, luck: Floats) -> pl.Series:
    """The 15-digit form that identity cards had until 1999 (only right for people born in 19xx)."""
    return values.str.slice(0, 6) + values.str.slice(8, 9)


def lower_x(values: pl.Series, luck: Floats) -> pl.Series:
    return values.str.to_lowercase()


def full_width(values: pl.Series, luck: Floats) -> pl.Series:
    return values.str.replace_many(list(_FULL_WIDTH), list(_FULL_WIDTH.values()))


def homophone(values: pl.Series, luck: Floats) -> pl.Series:
    """The last character of a name written with another of the same sound, where we know one."""
    last = values.str.slice(-1)
    other = last.replace(list(_HOMOPHONES), list(_HOMOPHONES.values()))
    return values.str.head(-1) + other


def spaced(values: pl.Series, luck: Floats) -> pl.Series:
    """A name padded on a form: 王 伟."""
    return values.str.slice(0, 1) + " " + values.str.slice(1)


def other_dot(values: pl.Series, luck: Floats) -> pl.Series:
    """The middle dot of a long name typed as another of its look-alikes."""
    return values.str.replace_all("·", "•", literal=True)


def phone_format(values: pl.Series, luck: Floats) -> pl.Series:
    """The same number as people write it."""
    v, u = pl.lit(values), pl.lit(pl.Series(luck))
    return pl.select(
        pl.when(u < 0.3)
        .then("+86" + v)
        .when(u < 0.5)
        .then("0086-" + v)
        .when(u < 0.8)
        .then(v.str.slice(0, 3) + " " + v.str.slice(3, 4) + " " + v.str.slice(7))
        .otherwise(pl.lit(full_width(values, luck)))
    ).to_series()


def shared_phone(values: pl.Series, luck: Floats) -> pl.Series:
    """The number of the community's desk, given for many people."""
    desk = (luck * 43).astype(np.int64)
    return pl.Series([f"0571-8880{number:04d}" for number in range(43)]).gather(desk)


placeholder_phone: Maker = constant("13800138000")
cut_phone: Maker = lambda values, luck: values.str.slice(0, 10)  # noqa: E731


def new_years_day(values: pl.Series, luck: Floats) -> pl.Series:
    """yyyymmdd of people of whom only the year was known."""
    return values.str.slice(0, 4) + "0101"


def lunar(values: pl.Series, luck: Floats) -> pl.Series:
    """yyyymmdd with the birthday of the old calendar, 20 to 50 days before the sun's."""
    days = pl.Series((20 + luck * 30).astype(np.int64)).cast(pl.Duration("us")) * 86_400_000_000
    return (values.str.to_date("%Y%m%d").cast(pl.Datetime("us")) - days).dt.strftime("%Y%m%d")


def no_such_day(values: pl.Series, luck: Floats) -> pl.Series:
    """yyyymmdd → the 31st of a short month."""
    return values.str.slice(0, 4) + "0431"


def respelt(values: pl.Series, luck: Floats) -> pl.Series:
    """Other spellings of one door: 栋, 号楼, 3-2-501, without 室, without the town, 三单元, full width, blanks."""
    v, u = pl.lit(values), pl.lit(pl.Series(luck))
    chinese = v.str.replace_many([f"{d}单元" for d in _CHINESE], [f"{c}单元" for c in _CHINESE.values()])
    short = v.str.replace(r"^.*?镇", "")
    return pl.select(
        pl.when(u < 0.14)
        .then(v.str.replace(r"(\d)幢", "${1}号楼"))
        .when(u < 0.26)
        .then(v.str.replace(r"(\d)幢", "${1}栋"))
        .when(u < 0.34)
        .then(v.str.replace(r"(\d+)幢(\d+)单元(\d+)室", "${1}-${2}-${3}"))
        .when(u < 0.46)
        .then(v.str.replace(r"(\d)室$", "${1}"))
        .when(u < 0.68)
        .then(short)
        .when(u < 0.76)
        .then(chinese)
        .when(u < 0.84)
        .then(pl.lit(full_width(values, luck)))
        .when(u < 0.92)
        .then(short.str.replace(r"(\d)幢", "${1}栋").str.replace(r"(\d)室$", "${1}"))
        .otherwise(short.str.replace(r"(\d)幢", "${1}幢 "))
    ).to_series()


def alias(values: pl.Series, luck: Floats) -> pl.Series:
    """The estate's name in everyday use."""
    return values.str.replace(r"(花园|公寓|家园|新村|苑|府|庭)", "小区")


def nearby(values: pl.Series, luck: Floats) -> pl.Series:
    """A place as a caller tells it: no room, and 门口, 附近, 对面."""
    ends = pl.Series(["门口", "附近", "对面", "旁边", "路边", ""]).gather((luck * 6).astype(np.uint32))
    return values.str.replace(r"(\d+单元)?\d+室$", "").str.replace(r"^.*?镇", "") + ends


def identity(
    rows: Draft,
    *,
    missing: float = 0,
    wrong: float = 0.004,
    legacy: float = 0,
    head: float = 0,
    cosmetic: float = 0.01,
) -> None:
    """The faults of a column `resident_id`; `_head_id_no` is the number of the household's head."""
    if head:
        mine = rows.frame["resident_id"] != rows.frame["_head_id_no"]
        heads = rows.frame["_head_id_no"]
        picked = rows.pick(head, "resident_id", "head") & mine.fill_null(False).to_numpy()
        rows.set("resident_id", pl.when(pl.Series(picked)).then(heads).otherwise(pl.col("resident_id")))
    rows.spoil("resident_id", missing, "missing", constant(None))
    for what, part, maker in (
        ("swapped", 0.5, swapped_digits),
        ("check", 0.25, wrong_check),
        ("february", 0.1, thirtieth_of_february),
        ("short", 0.15, shortened),
    ):
        rows.spoil(
            "resident_id", wrong * part, what, maker, defect="invalid_resident_id",
            judge=lambda new: ~resident_id.is_valid(resident_id.normalise(new)).fill_null(False),
        )  # fmt: skip
    born = rows.frame["resident_id"].str.slice(6, 2).fill_null("") == "19"
    rows.spoil("resident_id", legacy, "legacy", legacy_15, among=born)
    rows.spoil("resident_id", cosmetic, "lower_x", lower_x)
    rows.spoil("resident_id", cosmetic * 0.3, "full_width", full_width)


def names(rows: Draft, column: str = "name", share: float = 0.01) -> None:
    """Names as clerks hear and type them."""
    rows.spoil(column, share, "homophone", homophone)
    rows.spoil(column, share * 0.3, "spaced", spaced)
    rows.spoil(
        column,
        0.3,
        "dot",
        other_dot,
        among=rows.frame[column].str.contains("·", literal=True).fill_null(False),
    )


def phones(rows: Draft, column: str, *, missing: float = 0, format: float = 0.05, shared: float = 0.01) -> None:
    """Numbers written in many ways, placeholders (missing, not faulty) and numbers cut short (faulty)."""
    rows.spoil(column, missing, "missing", constant(None))
    rows.spoil(column, 0.004, "placeholder", placeholder_phone)
    rows.spoil(
        column,
        0.002,
        "cut",
        cut_phone,
        defect="invalid_phone",
        among=rows.frame[column].str.len_chars() == 11,
    )
    rows.spoil(column, shared, "shared", shared_phone)
    rows.spoil(column, format, "format", phone_format, among=rows.frame[column].str.len_chars() == 11)


def birthdays(rows: Draft, column: str = "birth_date", *, share: float = 0.01) -> None:
    """yyyymmdd: unknown days, lunar days, days that do not exist."""
    rows.spoil(column, share, "new_year", new_years_day)
    rows.spoil(column, share, "lunar", lunar)
    rows.spoil(column, share * 0.2, "no_such_day", no_such_day, defect="impossible_date")


def addresses(rows: Draft, column: str = "address", *, spelling: float = 0.3, aliases: float = 0.03) -> None:
    rows.spoil(column, aliases, "alias", alias)
    rows.spoil(column, spelling, "spelling", respelt)
