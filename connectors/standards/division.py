"""Administrative divisions, GB/T 2260: a dated snapshot of provinces and of one prefecture's districts.

Codes are never judged by today's list: an abolished district lives on in identity numbers and credit
codes. ``is_known`` only says whether the snapshot has ever heard of a code. Codes of 9 (town) and 12
digits (community) are named by their first six. Dates before 2021 are unverified.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

_PROVINCES: Final = {
    "11": "北京市", "12": "天津市", "13": "河北省", "14": "山西省", "15": "内蒙古自治区", "21": "辽宁省",
    "22": "吉林省", "23": "黑龙江省", "31": "上海市", "32": "江苏省", "33": "浙江省", "34": "安徽省",
    "35": "福建省", "36": "江西省", "37": "山东省", "41": "河南省", "42": "湖北省", "43": "湖南省",
    "44": "广东省", "45": "广西壮族自治区", "46": "海南省", "50": "重庆市", "51": "四川省", "52": "贵州省",
    "53": "云南省", "54": "西藏自治区", "61": "陕西省", "62": "甘肃省", "63": "青海省",
    "64": "宁夏回族自治区", "65": "新疆维吾尔自治区", "71": "台湾省", "81": "香港特别行政区",
    "82": "澳门特别行政区",
}  # fmt: skip

_REFORM_2021: Final = dt.date(2021, 4, 9)
# code, name, first day, first day no longer valid, successor. A district may keep its code and lose
# territory (余杭 in 2021): the code alone does not say where an old address lies today.
_DIVISIONS: Final[tuple[tuple[str, str, dt.date | None, dt.date | None, str | None], ...]] = (
    *((f"{code}0000", name, None, None, None) for code, name in _PROVINCES.items()),
    ("330100", "杭州市", None, None, None),
    ("330102", "上城区", None, None, None),
    ("330103", "下城区", None, _REFORM_2021, "330105"),
    ("330104", "江干区", None, _REFORM_2021, "330102"),
    ("330105", "拱墅区", None, None, None),
    ("330106", "西湖区", None, None, None),
    ("330108", "滨江区", None, None, None),
    ("330109", "萧山区", dt.date(2001, 2, 2), None, None),
    ("330110", "余杭区", dt.date(2001, 2, 2), None, None),
    ("330111", "富阳区", dt.date(2014, 12, 13), None, None),
    ("330112", "临安区", dt.date(2017, 7, 18), None, None),
    ("330113", "临平区", _REFORM_2021, None, None),
    ("330114", "钱塘区", _REFORM_2021, None, None),
    ("330122", "桐庐县", None, None, None),
    ("330127", "淳安县", None, None, None),
    ("330181", "萧山市", None, dt.date(2001, 2, 2), "330109"),
    ("330182", "建德市", None, None, None),
    ("330183", "富阳市", None, dt.date(2014, 12, 13), "330111"),
    ("330184", "余杭市", None, dt.date(2001, 2, 2), "330110"),
    ("330185", "临安市", None, dt.date(2017, 7, 18), "330112"),
)

_CODE: Final = r"^[1-8][0-9]{5}(?:[0-9]{3}){0,2}$"

_SCHEMA: Final = {
    "code": pl.String,
    "name": pl.String,
    "valid_from": pl.Date,
    "valid_to": pl.Date,
    "successor": pl.String,
}
_TABLE: Final = pl.DataFrame(list(_DIVISIONS), schema=_SCHEMA, orient="row")


def table() -> pl.DataFrame:
    """The snapshot: code, name, valid_from (null: before the snapshot), valid_to (exclusive), successor."""
    return _TABLE


def is_known(s: pl.Series) -> pl.Series:
    """True where the first six digits have ever been a code of the snapshot."""
    return s.str.slice(0, 6).is_in(_TABLE["code"].to_list())


def name(s: pl.Series, on: dt.date) -> pl.Series:
    """Name that was in force on the day ``on``; null where the code was not in force or is not known."""
    return _look_up(s, "name", _in_force(on))


def province(s: pl.Series) -> pl.Series:
    """Name of the province, from the first two digits of a code or an identity number."""
    return s.str.slice(0, 2).replace_strict(_PROVINCES, default=None, return_dtype=pl.String)


def current(s: pl.Series, on: dt.date) -> pl.Series:
    """The district in force on the day ``on``: abolished 6-digit codes become their successor's.

    All other values stay as they are: which town of the successor a longer code means is not known.
    """
    successor = _look_up(s, "successor", _TABLE.filter(pl.col("valid_to") <= on))
    moved = successor.is_not_null() & (s.str.len_bytes() == 6)
    return pl.select(pl.when(moved).then(successor).otherwise(s)).to_series().alias(s.name)


def parse(s: pl.Series) -> pl.DataFrame:
    """DataFrame(county, town, community, level, town_kind, community_kind) of codes of 6, 9 or 12 digits (6+3+3).

    ``county``, ``town`` and ``community`` are whole codes of 6, 9 and 12 digits, null where the code stops before.
    ``level`` is province, prefecture, county, town or community. Kinds go by the last three digits: town 001–099
    street, 100–199 town, 200–399 township; community 001–199 resident (居委会), 200–399 village (村委会). These
    ranges are as remembered. Other values give nulls.
    """
    code = pl.col("code")
    deep = code.str.len_bytes()
    town, community = (code.str.slice(first, 3).cast(pl.Int32, strict=False) for first in (6, 9))
    level = (
        pl.when(deep == 12).then(pl.lit("community"))
        .when(deep == 9).then(pl.lit("town"))
        .when(code.str.ends_with("0000")).then(pl.lit("province"))
        .when(code.str.ends_with("00")).then(pl.lit("prefecture"))
        .when(code.is_not_null()).then(pl.lit("county"))
    )  # fmt: skip
    return (
        s.to_frame("code")
        .with_columns(pl.when(code.str.contains(_CODE)).then(code))
        .select(
            county=code.str.head(6),
            town=pl.when(deep >= 9).then(code.str.head(9)),
            community=pl.when(deep == 12).then(code),
            level=level,
            town_kind=pl.when(town.is_between(1, 99)).then(pl.lit("street"))
            .when(town.is_between(100, 199)).then(pl.lit("town"))
            .when(town.is_between(200, 399)).then(pl.lit("township")),
            community_kind=pl.when(community.is_between(1, 199)).then(pl.lit("resident"))
            .when(community.is_between(200, 399)).then(pl.lit("village")),
        )
    )  # fmt: skip


def _in_force(on: dt.date) -> pl.DataFrame:
    begun = pl.col("valid_from").is_null() | (pl.col("valid_from") <= on)
    lasting = pl.col("valid_to").is_null() | (pl.col("valid_to") > on)
    return _TABLE.filter(begun & lasting)


def _look_up(s: pl.Series, column: str, rows: pl.DataFrame) -> pl.Series:
    mapping = dict(zip(rows["code"], rows[column], strict=True))
    return s.str.slice(0, 6).replace_strict(mapping, default=None, return_dtype=pl.String).alias(s.name)
