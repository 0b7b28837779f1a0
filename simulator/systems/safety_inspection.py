"""平安码: place codes, inspections and hazards of the town's own database; one place sometimes has two codes."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import ExchangeTable
from simulator.systems import market_registration
from simulator.views import dirt, places
from simulator.views.base import Served, constant, draft, look_up, one_of
from simulator.world import hashing
from simulator.world.model import World

STREAMS = {
    "premises": {
        "premises_code": "csbm",
        "name": "csmc",
        "category": "lb",
        "credit_code": "tyshxydm",
        "address": "dz",
        "longitude": "jd",
        "latitude": "wd",
        "grid_code": "wgbm",
        "contact_phone": "lxdh",
        "state": "zt",
        "opened_on": "kyrq",
        "updated_at": "gxsj",
    },
    "inspections": {
        "inspection_no": "jcbh",
        "premises_code": "csbm",
        "inspector": "jcy",
        "inspected_at": "jcsj",
        "kind": "jclx",
        "result": "jg",
        "updated_at": "gxsj",
    },
    "hazards": {
        "hazard_no": "yhbh",
        "inspection_no": "jcbh",
        "premises_code": "csbm",
        "kind": "lx",
        "severity": "dj",
        "found_at": "fxsj",
        "due_on": "zgqx",
        "fixed_at": "zgwcsj",
        "reinspected_by": "fcr",
        "updated_at": "gxsj",
    },
}
SERVED_BY = {
    "premises": ExchangeTable("cs_premises", ("csbm",), flagged=False),
    "inspections": ExchangeTable("cs_inspection", ("jcbh",), flagged=False),
    "hazards": ExchangeTable("cs_hazard", ("yhbh",), flagged=False),
}
CATEGORIES = {
    "street_shop": "1",
    "key_security": "2",
    "rental_housing": "3",
    "hazmat_producer": "4",
    "labour_intensive": "5",
    "construction_site": "6",
    "crowded_place": "7",
    "general_enterprise": "8",
}
_KINDS = {"routine": "1", "re-inspection": "2", "drill": "3"}
_RESULTS = {"pass": "1", "hazard": "2", "fail": "3"}
_SEVERITIES = {"general": "1", "serious": "2", "major": "3"}
_TWO_CODES = 0.006


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`premises` (coded ones), `inspections` and `hazards`."""
    return {
        "premises": _premises(world, seed),
        "inspections": _inspections(world, seed),
        "hazards": _hazards(world, seed),
    }


def _premises(world: World, seed: int) -> Served:
    coded = world.premises.filter(pl.col("coded"))
    coded = look_up(
        coded,
        world.enterprises.select("enterprise_id", "credit_code", contact_phone="phone", _changed="updated_at"),
        "enterprise_id",
    )
    coded = look_up(coded, world.addresses.select("address_id", address="full_text"), "address_id")
    coded = look_up(coded, world.grids.select("grid_id", grid_code="code"), "grid_id")
    coded = coded.with_columns(
        premises_code=pl.col("code"),
        category=pl.col("category").replace_strict(CATEGORIES, return_dtype=pl.String),
        longitude="lon",
        latitude="lat",
        state=pl.when(pl.col("closed_on").is_null()).then(pl.lit("1")).otherwise(pl.lit("0")),
        opened_on=pl.col("opened_on").dt.strftime("%Y-%m-%d"),
        updated_at=pl.max_horizontal("updated_at", "_changed"),
        _premises_id=pl.col("premises_id"),
        _row=pl.col("premises_id"),
    )
    ids = coded["premises_id"].to_numpy()
    twice = pl.Series(hashing.uniform(ids, seed, "safety_inspection", "two_codes") < _TWO_CODES)
    second = coded.filter(twice).with_columns(
        premises_code=pl.col("premises_code") + pl.lit("-2"), _row=-pl.col("premises_id")
    )
    rows = draft(seed, "safety_inspection", "premises", pl.concat([coded, second]), "_row")
    places.to_gcj02(rows)
    places.faults(rows, share=0.004, uncorrected_share=0.01)
    market_registration.codes(rows, missing=0.06, wrong=0.006)
    dirt.addresses(rows, spelling=0.35)
    dirt.phones(rows, "contact_phone", missing=0.05)
    rows.spoil("category", 0.001, "code", one_of("9", "0"), defect="unknown_code")
    rows.spoil("grid_code", 0.01, "missing", constant(None))
    return rows.served(STREAMS["premises"], ["premises_code"], changed_at="updated_at", premises="_premises_id")


def _codes(world: World) -> pl.DataFrame:
    return world.premises.select("premises_id", premises_code="code")


def _inspections(world: World, seed: int) -> Served:
    visits = world.inspections.join(_codes(world), on="premises_id", how="left", maintain_order="left").with_columns(
        inspection_no=inspection_no(),
        inspector=inspector("inspector_id"),
        kind=pl.col("kind").replace_strict(_KINDS, return_dtype=pl.String),
        result=pl.col("result").replace_strict(_RESULTS, return_dtype=pl.String),
        _premises_id=pl.col("premises_id"),
        _row=pl.col("inspection_id"),
    )
    rows = draft(seed, "safety_inspection", "inspections", visits, "_row")
    rows.spoil("result", 0.0006, "code", one_of("合格", "4"), defect="unknown_code")
    rows.spoil("inspected_at", 0.0004, "missing", constant(None), defect="missing_required")
    return rows.served(STREAMS["inspections"], ["inspection_no"], changed_at="updated_at", premises="_premises_id")


def _hazards(world: World, seed: int) -> Served:
    found = world.hazards.join(_codes(world), on="premises_id", how="left", maintain_order="left").with_columns(
        hazard_no=pl.lit("YH") + pl.col("hazard_id").cast(pl.String).str.zfill(8),
        inspection_no=inspection_no(),
        kind=pl.col("type"),
        severity=pl.col("severity").replace_strict(_SEVERITIES, return_dtype=pl.String),
        due_on=pl.col("due_on").dt.strftime("%Y-%m-%d"),
        reinspected_by=inspector("reinspected_by"),
        _premises_id=pl.col("premises_id"),
        _row=pl.col("hazard_id"),
    )
    rows = draft(seed, "safety_inspection", "hazards", found, "_row")
    rows.spoil("severity", 0.001, "code", one_of("0", "重大"), defect="unknown_code")
    rows.spoil("due_on", 0.001, "no_such_day", one_of("2026-02-30", "2026-00-10"), defect="impossible_date")
    return rows.served(STREAMS["hazards"], ["hazard_no"], changed_at="updated_at", premises="_premises_id")


def inspection_no() -> pl.Expr:
    return pl.lit("JC") + pl.col("inspection_id").cast(pl.String).str.zfill(8)


def inspector(column: str) -> pl.Expr:
    return pl.lit("XC") + pl.col(column).cast(pl.String).str.zfill(4)
