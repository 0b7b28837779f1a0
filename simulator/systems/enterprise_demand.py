"""诉求管理: what enterprises ask of the town; some of it stands in the hotline as well."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import ExchangeTable
from simulator.systems import enterprise_visit, market_registration
from simulator.views import dirt, firms
from simulator.views.base import Served, constant, draft, one_of
from simulator.world.facts import services
from simulator.world.model import World

STREAMS = {
    "demands": {
        "demand_no": "sqbh",
        "credit_code": "tyshxydm",
        "enterprise_name": "ztmc",
        "category": "sqlb",
        "content": "sqnr",
        "contact_phone": "lxdh",
        "source": "sqly",
        "visit_no": "zfbh",
        "reported_at": "tbsj",
        "due_on": "cnrq",
        "handled_at": "blsj",
        "closed_at": "bjsj",
        "state": "zt",
        "satisfaction": "mydu",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"demands": ExchangeTable("qysq_dj", ("sqbh",), flagged=False)}
_CATEGORIES = {"labour": "01", "financing": "02", "premises": "03", "facilities": "04", "policy": "05",
               "environment": "06"}  # fmt: skip
_SOURCES = {"visit": "1", "hotline": "2", "app": "3", "window": "4"}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`demands`: one row per demand."""
    state = (
        pl.when("rejected")
        .then(pl.lit("9"))
        .when(pl.col("closed_at").is_not_null())
        .then(pl.lit("3"))
        .when(pl.col("handled_at").is_not_null())
        .then(pl.lit("2"))
        .otherwise(pl.lit("1"))
    )
    demands = firms.known(services.demands(world), world).with_columns(
        demand_no=pl.lit("SQ") + pl.col("demand_id").cast(pl.String).str.zfill(11),
        category=pl.col("category").replace_strict(_CATEGORIES, return_dtype=pl.String),
        content=pl.col("text"),
        source=pl.col("source").replace_strict(_SOURCES, return_dtype=pl.String),
        visit_no=enterprise_visit.visit_no("visit_id"),
        due_on=pl.col("due_at").dt.strftime("%Y-%m-%d"),
        state=state,
        _incident_id=pl.col("incident_id"),
        _row=pl.col("demand_id"),
    )
    rows = draft(seed, "enterprise_demand", "demands", demands, "_row")
    firms.names(rows, trade=0.35)
    market_registration.codes(rows, missing=0.3, wrong=0.008)
    enterprise_visit.told_by(rows, "content")
    dirt.phones(rows, "contact_phone", missing=0.05, shared=0)
    rows.spoil("category", 0.002, "code", one_of("99", "用工"), defect="unknown_code")
    rows.spoil("satisfaction", 0.002, "range", lambda values, luck: values * 0 + 10, defect="out_of_range")
    rows.spoil("due_on", 0.002, "no_such_day", one_of("2026-02-30", "2026-13-01"), defect="impossible_date")
    rows.spoil("enterprise_name", 0.002, "missing", constant(None), defect="missing_required")
    return {
        "demands": rows.served(
            STREAMS["demands"], ["demand_no"], changed_at="updated_at",
            unasked={"_contact": "lxr"}, enterprises="_enterprise_id", incidents="_incident_id",
        )
    }  # fmt: skip
