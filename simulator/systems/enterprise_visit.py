"""企业走访: the town's own notes; names from the door, codes left out, people named in the text."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import ExchangeTable
from simulator.systems import market_registration
from simulator.views import dirt, firms
from simulator.views.base import Draft, Served, constant, draft, one_of
from simulator.world.facts import services
from simulator.world.model import World

STREAMS = {
    "visits": {
        "visit_no": "zfbh",
        "credit_code": "tyshxydm",
        "enterprise_name": "qymc",
        "visitor": "zfrgh",
        "visited_at": "zfsj",
        "purpose": "zfmd",
        "contact_phone": "lxdh",
        "problem_kind": "wtlb",
        "problem": "wtms",
        "state": "clzt",
        "solved_on": "jjrq",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"visits": ExchangeTable("qyzf_jl", ("zfbh",), flagged=False)}
_PURPOSES = {"routine": "1", "policy": "2", "difficulty": "3", "safety": "4"}
_PROBLEMS = {"none": "0", "labour": "1", "financing": "2", "premises": "3", "facilities": "4", "policy": "5",
             "environment": "6"}  # fmt: skip


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`visits`: one row per visit."""
    visits = firms.known(services.visits(world), world).with_columns(
        visit_no=visit_no("visit_id"),
        visitor=pl.lit("GH") + pl.col("visitor").cast(pl.String).str.zfill(4),
        purpose=pl.col("purpose").replace_strict(_PURPOSES, return_dtype=pl.String),
        problem_kind=pl.col("problem").replace_strict(_PROBLEMS, return_dtype=pl.String),
        problem=pl.col("text"),
        state=pl.when(pl.col("problem") == "none")
        .then(pl.lit("0"))
        .when(pl.col("solved_at").is_null())
        .then(pl.lit("1"))
        .otherwise(pl.lit("2")),
        solved_on=pl.col("solved_at").dt.strftime("%Y-%m-%d"),
        _row=pl.col("visit_id"),
    )
    rows = draft(seed, "enterprise_visit", "visits", visits, "_row")
    firms.names(rows, trade=0.45)
    market_registration.codes(rows, missing=0.25, wrong=0.006)
    told_by(rows, "problem")
    dirt.phones(rows, "contact_phone", missing=0.1, shared=0)
    rows.spoil("problem_kind", 0.001, "code", one_of("7", "其他"), defect="unknown_code")
    rows.spoil("solved_on", 0.001, "no_such_day", one_of("2026-02-30", "2026-06-31"), defect="impossible_date")
    rows.spoil("visited_at", 0.0005, "missing", constant(None), defect="missing_required")
    return {
        "visits": rows.served(
            STREAMS["visits"], ["visit_no"], changed_at="updated_at",
            unasked={"_contact": "lxr"}, enterprises="_enterprise_id",
        )
    }  # fmt: skip


def visit_no(column: str) -> pl.Expr:
    return pl.lit("ZF") + pl.col(column).cast(pl.String).str.zfill(10)


def told_by(rows: Draft, column: str) -> None:
    """In a tenth of the texts stands who said it, with a number."""
    named = pl.Series(rows.pick(0.1, column, "named"))
    signed = pl.col(column) + "（" + pl.col("_contact") + "，" + pl.col("contact_phone") + "）"
    rows.set(column, pl.when(named).then(signed).otherwise(pl.col(column)))
