"""租期预警: a workbook of the building managers; dates in every spelling, ends of 9999, rents in four units."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from simulator.interfaces import FileDrop
from simulator.systems import market_registration
from simulator.views import dirt, firms
from simulator.views.base import Draft, Floats, Maker, Served, constant, draft, look_up, one_of
from simulator.world.facts import buildings, leases
from simulator.world.facts.draws import last_month_end
from simulator.world.model import World

STREAMS = {
    "leases": {
        "lease_no": "合同编号",
        "building_code": "楼宇/楼宇编码",
        "building_name": "楼宇/楼宇名称",
        "room": "楼宇/室号",
        "tenant_name": "承租方/名称",
        "credit_code": "承租方/统一社会信用代码",
        "contact_phone": "承租方/联系电话",
        "area_sqm": "租赁/面积（㎡）",
        "rent": "租赁/租金",
        "rent_unit": "租赁/租金单位",
        "starts_on": "租期/起",
        "ends_on": "租期/止",
        "state": "状态",
    }
}
SERVED_BY = {"leases": FileDrop("zqyj_*.xlsx", every=31, title="租期预警", total="合计")}
_UNITS = {"yuan_sqm_day": "元/㎡·天", "yuan_month": "元/月", "yuan_year": "元/年", "wan_yuan_year": "万元/年"}
ENDLESS = "9999-12-31"


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`leases`: those that run at the end of the last whole month, or ran out in it."""
    on = last_month_end(world.today)
    found = firms.known(leases.leases(world, on - timedelta(days=31), on), world)
    houses = buildings.names(world)
    found = look_up(found, houses.select("building_id", building_name="name", building_code="code"), "building_id")
    state = (
        pl.when(pl.col("given_up_on") <= on)
        .then(pl.lit("退租"))
        .when(pl.col("ends_on") < on)
        .then(pl.lit("到期"))
        .otherwise(pl.lit("在租"))
    )
    found = found.with_columns(
        lease_no=pl.lit("ZL") + pl.col("lease_id").cast(pl.String).str.zfill(9),
        tenant_name=pl.col("enterprise_name"),
        area_sqm=pl.col("area").cast(pl.String),
        rent_unit=pl.col("unit").replace_strict(_UNITS, return_dtype=pl.String),
        starts_on=pl.col("started_on").dt.strftime("%Y-%m-%d"),
        ends_on=pl.col("ends_on").dt.strftime("%Y-%m-%d").fill_null(ENDLESS),
        state=state,
        _row=pl.col("lease_id"),
    )
    rows = draft(seed, "lease_register", "leases", found, "_row")
    firms.names(rows, "tenant_name", trade=0.3)
    market_registration.codes(rows, missing=0.35, wrong=0.01)
    dirt.phones(rows, "contact_phone", missing=0.15, shared=0.01)
    rows.spoil("building_code", 0.06, "missing", constant(None))
    rows.spoil("building_name", 0.05, "number", lambda values, luck: values.str.replace("幢", "号楼"))
    rows.spoil("room", 0.2, "room", lambda values, luck: values + "室")
    rows.spoil("room", 0.03, "floor", lambda values, luck: values.str.replace(r"^(\d+)(\d\d)$", "${1}F-${2}"))
    _rents(rows)
    _dates(rows)
    rows.spoil("state", 0.001, "code", one_of("续租中", "空置"), defect="unknown_code")
    rows.spoil("tenant_name", 0.001, "missing", constant(None), defect="missing_required")
    return {
        "leases": rows.served(
            STREAMS["leases"], ["lease_no"], unasked={"_contact": "承租方/联系人"}, enterprises="_enterprise_id"
        )
    }


def _rents(rows: Draft) -> None:
    """Figures with separators and units of their own, words for figures, units in other words or in none."""
    rows.spoil("rent", 0.05, "separated", lambda values, luck: values.str.replace(r"^(\d+)(\d{3}\.)", "${1},${2}"))
    rows.spoil("rent", 0.02, "unit", lambda values, luck: values + "元", among=rows.frame["rent_unit"] != "万元/年")
    rows.spoil("rent", 0.004, "text", one_of("面议", "免租", "见合同"), defect="not_an_amount")
    other = rows.frame["rent_unit"] == "元/㎡·天"
    rows.spoil("rent_unit", 0.2, "words", constant("元/平方米/天"), among=other)
    rows.spoil("rent_unit", 0.01, "missing", constant(None))
    rows.spoil("rent_unit", 0.004, "code", one_of("元/季", "美元/月"), defect="unknown_code")
    rows.spoil("area_sqm", 0.003, "range", constant("0"), defect="out_of_range")
    rows.spoil("area_sqm", 0.003, "text", one_of("约100", "整层"), defect="not_a_number")


def _dates(rows: Draft) -> None:
    """Cells formatted as text: 2026.1.17, 2026年1月17日, 20260117, and the number behind a date."""
    for column in ("starts_on", "ends_on"):
        rows.spoil(column, 0.25, "dots", _respelt("${1}.${2}.${3}"))
        rows.spoil(column, 0.15, "chinese", _respelt("${1}年${2}月${3}日"))
        rows.spoil(column, 0.08, "compact", lambda values, luck: values.str.replace_all("-", ""))
        rows.spoil(column, 0.04, "serial", _serial, among=rows.frame[column] != ENDLESS)
    rows.spoil("ends_on", 0.01, "missing", constant(None))
    rows.spoil("ends_on", 0.003, "no_such_day", one_of("2027-02-29", "2026-06-31"), defect="impossible_date")
    rows.spoil("ends_on", 0.004, "word", one_of("长期", "无固定期限"), defect="not_a_date")


def _respelt(pattern: str) -> Maker:
    def maker(values: pl.Series, luck: Floats) -> pl.Series:
        return values.str.replace(r"^(\d{4})-0?(\d+)-0?(\d+)$", pattern)

    return maker


def _serial(values: pl.Series, luck: Floats) -> pl.Series:
    """The days since 1899-12-30 that a spreadsheet keeps of a date."""
    return (values.str.to_date("%Y-%m-%d").to_physical() + 25_569).cast(pl.String)
