"""平安通: patrols of the grid staff; most find nothing, what they find stands in other systems too."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import ExchangeTable
from simulator.views import dirt, events, places
from simulator.views.base import Floats, Served, constant, draft, look_up, one_of
from simulator.world import hashing
from simulator.world.facts import patrols
from simulator.world.facts.draws import strangers
from simulator.world.model import World

STREAMS = {
    "patrols": {
        "patrol_no": "xcbh",
        "patroller": "wgybh",
        "grid_code": "wgbm",
        "patrolled_at": "xcsj",
        "found": "sfyhyh",
        "hazard_kind": "yhlx",
        "description": "yhms",
        "premises_name": "csmc",
        "address": "dd",
        "longitude": "jd",
        "latitude": "wd",
        "closed_at": "zgsj",
        "state": "zt",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"patrols": ExchangeTable("pat_xc", ("xcbh",))}
_STATES = {"received": "1", "assigned": "1", "handled": "2", "closed": "3", "feedback": "3"}
_NOTHING = "0"


def _short(values: pl.Series, luck: Floats) -> pl.Series:
    """The name as the patroller knows it."""
    return values.str.replace(r"(安澜区?|听澜)", "").str.replace(r"(有限责任公司|有限公司|店)$", "")


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`patrols`: one row per patrol."""
    walks = pl.concat([_finding(world, seed), _quiet(world)], how="diagonal_relaxed")
    names = strangers(walks["patroller_id"].to_numpy(), seed, "patroller")["name"]
    walks = walks.with_columns(
        patrol_no=pl.col("patrolled_at").dt.strftime("XC%Y%m%d%H%M")
        + pl.Series(hashing.bits(walks["_row"].to_numpy(), seed, "patrol no") % 10**8).cast(pl.String).str.zfill(8),
        patroller=pl.lit("WG") + pl.col("patroller_id").cast(pl.String).str.zfill(4),
        _name=names,
    ).sort("patrolled_at", "_row")
    rows = draft(seed, "safety_patrol", "patrols", walks, "_row")
    places.to_gcj02(rows)
    places.faults(rows, share=0.005, uncorrected_share=0.02)
    rows.spoil("premises_name", 0.3, "short", _short)
    rows.spoil("address", 0.3, "nearby", dirt.nearby)
    dirt.addresses(rows, spelling=0.3)
    rows.spoil("grid_code", 0.01, "missing", constant(None))
    rows.spoil("state", 0.001, "code", one_of("7", "X"), defect="unknown_code")
    rows.spoil("found", 0.0008, "code", one_of("有", "2"), defect="unknown_code")
    rows.spoil("patrolled_at", 0.0006, "missing", constant(None), defect="missing_required")
    return {
        "patrols": rows.served(
            STREAMS["patrols"], ["patrol_no"], changed_at="updated_at",
            unasked={"_name": "wgyxm"}, incidents="_incident_id", premises="_premises_id",
        )
    }  # fmt: skip


def _finding(world: World, seed: int) -> pl.DataFrame:
    told = look_up(
        events.reports(world, "safety_patrol"),
        world.premises.select("premises_id", premises_name="name"),
        "premises_id",
    )
    ids = told["report_id"].to_numpy()
    return told.with_columns(
        patroller_id=pl.Series(hashing.integers(ids, 1, patrols.patrollers(world) + 1, seed, "patroller")),
        patrolled_at=pl.col("reported_at"),
        found=pl.lit("1"),
        hazard_kind=events.word(),
        description=pl.col("text"),
        state=pl.col("status").replace_strict(_STATES, default="1", return_dtype=pl.String),
        _premises_id=pl.col("premises_id"),
        _row=pl.col("report_id"),
    )


def _quiet(world: World) -> pl.DataFrame:
    walks = look_up(patrols.quiet(world), world.grids.select("grid_id", grid_code="code"), "grid_id")
    return walks.with_columns(
        patroller_id=pl.col("patroller"),
        found=pl.lit("0"),
        longitude=pl.col("lon"),
        latitude=pl.col("lat"),
        state=pl.lit(_NOTHING),
        updated_at=pl.col("patrolled_at"),
        _row=pl.col("patrol_id"),
    ).drop("patroller")
