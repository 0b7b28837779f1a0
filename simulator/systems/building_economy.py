"""楼宇经济与营商环境: places drawn in nobody's plane, floors as the lifts call them, areas in the wrong unit."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import FileDrop
from simulator.views import dirt
from simulator.views.base import Floats, Served, constant, draft, look_up, one_of
from simulator.world import hashing
from simulator.world.facts import buildings
from simulator.world.facts.draws import chosen
from simulator.world.model import World

STREAMS = {
    "buildings": {
        "building_code": "楼宇编码",
        "name": "楼宇名称",
        "address": "地址",
        "drawn_x": "X坐标",
        "drawn_y": "Y坐标",
        "floor_labels": "楼层",
        "area_sqm": "建筑面积（㎡）",
        "completed": "竣工年份",
        "manager": "物业公司",
    },
    "quarters": {
        "building_code": "楼宇编码",
        "year": "年度",
        "quarter": "季度",
        "let_sqm": "已租面积（㎡）",
        "tenants": "入驻企业数",
        "registered": "注册企业数",
        "rent": "平均租金（元/㎡·天）",
        "business_index": "营商环境指数",
    },
}
SERVED_BY = {
    "buildings": FileDrop("lyjj_buildings_*.csv", every=92, encoding="gb18030"),
    "quarters": FileDrop("lyjj_quarter_*.csv", encoding="gb18030", total="合计", total_of="入驻企业数"),
}
_QUARTERS = {"1": "一季度", "2": "二季度", "3": "三季度", "4": "四季度"}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`buildings`, and their last six whole `quarters`, a file each."""
    return {"buildings": _buildings(world, seed), "quarters": _quarters(world, seed)}


def _buildings(world: World, seed: int) -> Served:
    houses = buildings.buildings(world)
    ids = houses["building_id"].to_numpy()
    style = chosen(("lift", "words", "dashes", "skipping"), ids, seed, "floor labels")
    top, low = pl.col("floors").cast(pl.String), pl.col("basements").cast(pl.String)
    labels = (
        pl.when(style == "lift")
        .then("B" + low + "-" + top + "F")
        .when(style == "words")
        .then("地下" + low + "层、地上" + top + "层")
        .when(style == "dashes")
        .then("-" + low + "~" + top + "层")
        .otherwise("1F-3F、3A、5F-" + (pl.col("floors") + 1).cast(pl.String) + "F")
    )
    houses = houses.with_columns(
        building_code="code",
        drawn_x=pl.col("x").cast(pl.String),
        drawn_y=pl.col("y").cast(pl.String),
        floor_labels=labels,
        area_sqm=pl.col("area").cast(pl.String),
        completed=pl.col("completed").cast(pl.String),
        _row=pl.col("building_id"),
    )
    rows = draft(seed, "building_economy", "buildings", houses, "_row")
    dirt.addresses(rows, spelling=0.3, aliases=0.0)
    rows.spoil("area_sqm", 0.03, "unit", _in_ten_thousands, defect="out_of_range")
    rows.spoil("area_sqm", 0.02, "text", one_of("约2万", "待测"), defect="not_a_number")
    rows.spoil("completed", 0.02, "range", one_of("0", "1900"), defect="out_of_range")
    rows.spoil("drawn_x", 0.04, "missing", constant(None))
    return rows.served(STREAMS["buildings"], ["building_code"])


def _quarters(world: World, seed: int) -> Served:
    houses = buildings.names(world).select("building_id", building_code="code")
    found = look_up(buildings.quarters(world), houses, "building_id")
    quarter = pl.col("quarter").cast(pl.String)
    found = found.with_columns(
        pl.col("year", "tenants", "registered").cast(pl.String),
        quarter=quarter,
        let_sqm=pl.col("let_area").cast(pl.String),
        rent=(pl.col("rent") // 100).cast(pl.String) + "." + (pl.col("rent") % 100).cast(pl.String).str.zfill(2),
        business_index=pl.col("index").cast(pl.String),
        __file=pl.lit("lyjj_quarter_") + pl.col("year").cast(pl.String) + "Q" + quarter + ".csv",
        _when=pl.col("year") * 10 + pl.col("quarter"),
        _row=pl.col("building_id") * 100_000 + pl.col("year") * 10 + pl.col("quarter"),
    )
    # a clerk writes all quarters of one file in one way
    way = pl.Series(hashing.integers(found["_when"].to_numpy(), 0, 3, seed, "quarter's name"))
    words = pl.col("quarter").replace_strict(_QUARTERS, return_dtype=pl.String)
    found = found.with_columns(
        quarter=pl.when(way == 0).then("quarter").when(way == 1).then(words).otherwise("Q" + pl.col("quarter"))
    )
    rows = draft(seed, "building_economy", "quarters", found, "_row")
    rows.spoil("let_sqm", 0.01, "text", one_of("——", "未报"), defect="not_a_number")
    rows.spoil("let_sqm", 0.01, "range", lambda values, luck: "-" + values, among=rows.frame["let_sqm"] != "0",
               defect="out_of_range")  # fmt: skip
    rows.spoil("rent", 0.01, "text", one_of("——", "面议"), defect="not_an_amount")
    rows.spoil("tenants", 0.02, "missing", constant(None))
    rows.spoil("business_index", 0.01, "range", one_of("105", "-1"), defect="out_of_range")
    return rows.served(STREAMS["quarters"], ["building_code", "year", "quarter"])


def _in_ten_thousands(values: pl.Series, luck: Floats) -> pl.Series:
    """Square metres written in 万㎡."""
    return (values.cast(pl.Float64) / 10_000).round(2).cast(pl.String)
