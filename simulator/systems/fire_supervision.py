"""消防监督检查: documents about units by name and door, without a credit code or a safety code."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import ExchangeTable
from simulator.views import dirt
from simulator.views.base import Floats, Served, constant, draft, look_up, one_of
from simulator.world.facts import fire_supervision
from simulator.world.facts.draws import strangers
from simulator.world.model import World

STREAMS = {
    "inspections": {
        "document_no": "wsh",
        "unit_name": "dwmc",
        "address": "dwdz",
        "kind": "jclx",
        "inspected_on": "jcrq",
        "hazards": "yhs",
        "major_hazard": "zdhzyh",
        "result": "jcjg",
        "due_on": "zgqx",
        "corrected_on": "zgrq",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"inspections": ExchangeTable("xf_jdjc", ("wsh",))}
_KINDS = {"spot_check": "1", "complaint": "2", "campaign": "3"}
_RESULTS = {"pass": "1", "rectify": "2", "sealed": "3"}


def _short(values: pl.Series, luck: Floats) -> pl.Series:
    return values.str.replace(r"(有限责任公司|有限公司)", "")


def _town_first(values: pl.Series, luck: Floats) -> pl.Series:
    """The unit as the officer writes it: with the district, and brackets around what it does."""
    return "安澜区" + values


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`inspections`: one row per document."""
    seen = look_up(
        fire_supervision.inspections(world),
        world.premises.select("premises_id", "enterprise_id", "address_id", _shop="name"),
        "premises_id",
    )
    seen = look_up(seen, world.enterprises.select("enterprise_id", _firm="name"), "enterprise_id")
    seen = look_up(seen, world.addresses.select("address_id", address="full_text"), "address_id")
    seen = seen.with_columns(
        document_no=pl.lit("安消监字〔")
        + pl.col("inspected_at").dt.year().cast(pl.String)
        + pl.lit("〕第")
        + pl.col("inspection_id").cast(pl.String).str.zfill(10)
        + pl.lit("号"),
        # half of the documents name the firm, the others what hangs over the door
        unit_name=pl.when(pl.col("inspection_id") % 2 == 0).then(pl.coalesce("_firm", "_shop")).otherwise("_shop"),
        kind=pl.col("kind").replace_strict(_KINDS, return_dtype=pl.String),
        inspected_on=pl.col("inspected_at").dt.strftime("%Y-%m-%d"),
        major_hazard=pl.when("major").then(pl.lit("是")).otherwise(pl.lit("否")),
        result=pl.col("result").replace_strict(_RESULTS, return_dtype=pl.String),
        due_on=pl.col("due_on").dt.strftime("%Y-%m-%d"),
        corrected_on=pl.col("corrected_on").dt.strftime("%Y-%m-%d"),
        _premises_id=pl.col("premises_id"),
        _enterprise_id=pl.col("enterprise_id"),
        _owner=strangers(seen["inspection_id"].to_numpy(), seed, "unit owner")["name"],
    )
    rows = draft(seed, "fire_supervision", "inspections", seen, "inspection_id")
    rows.spoil("unit_name", 0.25, "short", _short)
    rows.spoil("unit_name", 0.08, "district", _town_first)
    dirt.addresses(rows, spelling=0.45)
    rows.spoil("hazards", 0.01, "range", lambda values, luck: values + 900, defect="out_of_range")
    rows.spoil("inspected_on", 0.012, "no_such_day", one_of("2026-02-30", "2025-11-31"), defect="impossible_date")
    rows.spoil("result", 0.012, "code", one_of("9", "合格"), defect="unknown_code")
    rows.spoil("unit_name", 0.008, "missing", constant(None), defect="missing_required")
    return {
        "inspections": rows.served(
            STREAMS["inspections"], ["document_no"], changed_at="updated_at",
            unasked={"_owner": "dwfzr"}, enterprises="_enterprise_id", premises="_premises_id",
        )
    }  # fmt: skip
