"""Enterprises: firms and self-employed people, open or gone, with legal and trade names."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl

from connectors.standards import credit_code
from simulator.world import names, numbers
from simulator.world.calibration import DISTRICT_CODE, DISTRICT_NAME
from simulator.world.columns import (
    DAY,
    Bools,
    Ints,
    dates,
    day_number,
    digits,
    masked,
    micros,
    texts,
    times,
    weighted,
    words,
    years_before,
)

_BRAND_1 = words(
    "华 中 新 金 宏 恒 天 海 博 瑞 永 信 鼎 泰 汇 盛 嘉 科 智 云 锦 和 大 万 星 远 晟 弘 浩 亿 聚 优 美 "
    "康 禾 绿 立 正 乐 凯"
)
_BRAND_2 = words(
    "达 源 通 泰 兴 隆 丰 成 创 联 力 邦 诚 辉 腾 升 维 德 利 元 川 林 海 峰 和 翔 捷 宇 凡 益 佳 洋 科 "
    "润 锐 信 悦 讯 图 帆"
)
_BRAND_3 = ["", "", "", "", "之", "尔", "斯", "特", "美", "达", "安", "思"]
# industry (GB/T 4754 section), words of the legal name, weight among firms
_FIRM_KINDS = (
    ("I", "信息技术", 12),
    ("I", "网络科技", 9),
    ("F", "贸易", 12),
    ("F", "商贸", 8),
    ("L", "企业管理咨询", 8),
    ("M", "科技", 12),
    ("E", "建筑工程", 7),
    ("E", "装饰工程", 5),
    ("C", "机械制造", 4),
    ("C", "服饰", 6),
    ("C", "电子", 4),
    ("C", "包装材料", 2),
    ("C", "化工", 1),
    ("G", "物流", 4),
    ("K", "物业管理", 4),
    ("H", "餐饮管理", 5),
    ("H", "酒店管理", 2),
    ("P", "教育咨询", 3),
    ("R", "文化传媒", 6),
    ("Q", "医疗器械", 2),
    ("K", "房地产经纪", 3),
)
_SHOP_KINDS = (
    ("H", "小吃店", 12),
    ("H", "面馆", 7),
    ("H", "餐馆", 9),
    ("F", "便利店", 10),
    ("F", "水果店", 7),
    ("F", "服装店", 8),
    ("O", "理发店", 7),
    ("O", "汽车美容店", 3),
    ("F", "五金店", 5),
    ("F", "烟酒店", 4),
    ("O", "洗衣店", 2),
    ("H", "奶茶店", 5),
    ("F", "药店", 2),
    ("R", "棋牌室", 3),
    ("H", "旅馆", 2),
    ("F", "电动车行", 4),
    ("F", "文具店", 2),
    ("O", "足浴店", 3),
    ("R", "网吧", 1),
    ("F", "液化气站", 1),
)
_CLUSTERS = 5  # office rooms where hundreds of firms are registered at one desk (集群注册)


def build(
    rng: np.random.Generator,
    *,
    size: int,
    on: date,
    newest: bool,
    first_id: int,
    residents: pl.DataFrame,
    offices: Ints,
    factories: Ints,
    shops: Ints,
) -> pl.DataFrame:
    """The frame ``enterprises`` with ``size`` open ones; ``newest``: registered on the day ``on``.

    ``offices``, ``factories`` and ``shops`` are address ids to choose from; of ``residents`` adults become
    legal representatives.
    """
    firm = rng.random(size) < 0.62
    kinds = [*_FIRM_KINDS, *_SHOP_KINDS]
    kind = np.where(
        firm,
        weighted(rng, [k[2] for k in _FIRM_KINDS], size),
        len(_FIRM_KINDS) + weighted(rng, [k[2] for k in _SHOP_KINDS], size),
    )
    word, industry = texts([k[1] for k in kinds], kind), texts([k[0] for k in kinds], kind)
    brand = (
        texts(_BRAND_1, rng.integers(0, len(_BRAND_1), size))
        + texts(_BRAND_2, rng.integers(0, len(_BRAND_2), size))
        + texts(_BRAND_3, rng.integers(0, len(_BRAND_3), size))
    )
    representative = _representatives(rng, residents, size, on)
    owner = representative["legal_rep_name"].str.slice(0, 1)
    casual = (rng.random(size) < 0.4) & ~firm
    brand = masked(owner + texts(["记", "氏", "姐", "哥"], rng.integers(0, 4, size)), casual).fill_null(brand)
    place = texts([DISTRICT_NAME.removesuffix("区"), DISTRICT_NAME, "听澜"], weighted(rng, (6, 2, 2), size))
    ending = texts(["有限公司", "有限责任公司", "股份有限公司"], weighted(rng, (90, 8, 2), size))
    branch = masked(pl.Series(["一分公司"]).new_from_index(0, size), firm & (rng.random(size) < 0.02)).fill_null("")
    legal = masked(place + brand + word + ending + branch, firm).fill_null(DISTRICT_NAME + "听澜镇" + brand + word)

    ids = np.arange(first_id, first_id + size)
    today = day_number(on)
    since = np.full(size, today) if newest else today - 1 - (rng.random(size) ** 1.6 * 365 * 22).astype(np.int64)
    division = texts([DISTRICT_CODE, "330106", "330110", "330100"], weighted(rng, (88, 5, 4, 3), size))
    code = credit_code.make(texts(["92", "91"], firm), division, _serials(ids))
    old = (since < day_number(date(2015, 10, 1))) & (rng.random(size) < 0.5)
    legacy = division + code.str.slice(8, 9)
    legacy = masked(legacy, firm).fill_null(representative["legal_rep_id_no"] + digits(1 + ids % 3, 2))
    cluster = firm & (rng.random(size) < 0.08)
    address = np.select(
        [cluster, firm & industry.is_in(["C", "G"]).to_numpy() & (rng.random(size) < 0.8), firm],
        [np.sort(offices)[ids * 7 % _CLUSTERS], rng.choice(factories, size), rng.choice(offices, size)],
        rng.choice(shops, size),
    )
    line = firm & (rng.random(size) < 0.35)
    touched = since * DAY + (rng.random(size) * (today - since) * DAY).astype(np.int64)
    updated = np.where(rng.random(size) < 0.35, np.maximum(touched, since * DAY), since * DAY) + DAY * 10 // 24
    updated = np.maximum(updated, micros(datetime(2000, 1, 1)))
    return pl.DataFrame(
        {
            "enterprise_id": ids,
            "credit_code": code,
            "legacy_tax_no": masked(legacy, old),
            "name": legal,
            "short_name": brand + word,
            "kind": texts(["self_employed", "firm"], firm),
            "industry": industry,
            "legal_rep_resident_id": representative["legal_rep_resident_id"],
            "legal_rep_name": representative["legal_rep_name"],
            "legal_rep_id_no": representative["legal_rep_id_no"],
            "address_id": address,
            "phone": masked(numbers.landlines(ids), line).fill_null(
                masked(representative["phone"], rng.random(size) < 0.9)
            ),
            "employees": np.maximum(1, np.round(np.exp(rng.normal(np.where(firm, 2.0, 0.7), 0.9)))).astype(np.int64),
            "registered_on": dates(since),
            "status": pl.Series(["open"]).new_from_index(0, size),
            "closed_on": pl.Series([None], dtype=pl.Date).new_from_index(0, size),
            "updated_at": times(updated),
        }
    )


def close(table: pl.DataFrame, ids: Ints, days: Ints, revoked: Bools) -> pl.DataFrame:
    """Enterprises ``ids`` closed on ``days``: revoked (licence taken away, still on the register) or cancelled."""
    gone = pl.DataFrame(
        {
            "enterprise_id": ids,
            "gone_status": texts(["cancelled", "revoked"], revoked.astype(np.int64)),
            "gone_on": dates(days),
            "gone_at": times(days * DAY + 15 * DAY // 24),
        }
    )
    return (
        table.join(gone, on="enterprise_id", how="left", maintain_order="left")
        .with_columns(
            status=pl.coalesce("gone_status", "status"),
            closed_on=pl.coalesce("gone_on", "closed_on"),
            updated_at=pl.coalesce("gone_at", "updated_at"),
        )
        .select(table.columns)
    )


def _serials(ids: Ints) -> pl.Series:
    """Eight characters before the organisation code's check: 'MA' + base-31 digits of a scattered serial."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    scattered = (ids * 424_242_421 + 97_531) % 31**6  # a bijection: the factor is prime to 31
    text = pl.Series(["MA"]).new_from_index(0, len(ids))
    for power in range(5, -1, -1):
        text = text + texts(list(alphabet), scattered // 31**power % 31)
    return text


def _representatives(rng: np.random.Generator, residents: pl.DataFrame, size: int, on: date) -> pl.DataFrame:
    """Legal representatives: adult residents, or (two in five) people from outside the town."""
    grown = residents.filter(
        (pl.col("birth_date") < years_before(on, 20)) & (pl.col("birth_date") > years_before(on, 72))
    ).select("resident_id", "name", "id_no", "phone")
    chosen = grown[rng.integers(0, len(grown), size)]
    outside = rng.random(size) < 0.4
    male = rng.random(size) < 0.65
    birth = day_number(on) - rng.integers(24 * 365, 65 * 365, size)
    first, second = names.given_names(rng, male, 1970 + birth // 365)
    stranger = names.chinese_names(names.surnames(rng, size), first, second)
    division = texts(["330106", "330105", "330110", "341221", "361128", "411729"], rng.integers(0, 6, size))
    number = numbers.resident_ids(rng, division, birth, male, residents["id_no"])
    mobile = numbers.phones(rng.integers(2_000_000, 9_000_000, size), 2)
    here = ~outside
    return pl.DataFrame(
        {
            "legal_rep_resident_id": masked(chosen["resident_id"], here),
            "legal_rep_name": masked(chosen["name"], here).fill_null(stranger),
            "legal_rep_id_no": masked(chosen["id_no"], here).fill_null(number),
            "phone": masked(chosen["phone"], here).fill_null(mobile),
        }
    )
