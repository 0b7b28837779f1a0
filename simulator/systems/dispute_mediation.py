"""矛盾纠纷调处化解中心: mediated cases; who quarrels with whom stands in fields that the hub does not take."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import ExchangeTable
from simulator.systems.welfare_payment import yuan
from simulator.views.base import Served, constant, draft, look_up, one_of
from simulator.world.facts import disputes
from simulator.world.facts.draws import strangers
from simulator.world.model import World

STREAMS = {
    "cases": {
        "case_no": "jfbh",
        "category": "jflx",
        "source": "jfly",
        "grid_code": "wgbm",
        "accepted_at": "slsj",
        "due_on": "tjqx",
        "claimed_amount": "saje",
        "result": "tjjg",
        "closed_at": "jasj",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"cases": ExchangeTable("tj_jf", ("jfbh",))}
CATEGORIES = {"neighbours": "01", "family": "02", "labour": "03", "property_management": "04", "tenancy": "05",
              "consumer": "06"}  # fmt: skip
_SOURCES = {"police": "1", "grid": "2", "window": "3", "hotline": "4"}
_RESULTS = {"agreed": "1", "failed": "2", "withdrawn": "3"}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`cases`: one row per case."""
    cases = look_up(disputes.mediated(world), world.grids.select("grid_id", grid_code="code"), "grid_id")
    ids = cases["case_id"].to_numpy()
    first, second = (strangers(ids, seed, "party", side) for side in ("first", "second"))
    parties = first["name"] + "、" + second["name"]
    # many a case is entered by its first party's name and the matter: 张三与李四邻里纠纷
    cases = cases.with_columns(
        case_no=pl.col("accepted_at").dt.strftime("TJ%Y") + pl.col("case_id").cast(pl.String).str.zfill(9),
        category=pl.col("category").replace_strict(CATEGORIES, return_dtype=pl.String),
        source=pl.col("source").replace_strict(_SOURCES, return_dtype=pl.String),
        due_on=pl.col("due_at").dt.strftime("%Y-%m-%d"),
        claimed_amount=yuan("claimed"),
        result=pl.col("result").replace_strict(_RESULTS, return_dtype=pl.String),
        _incident_id=pl.col("case_id"),
        _parties=parties,
        _numbers=first["id_no"] + "、" + second["id_no"],
        _story=first["name"] + "与" + second["name"] + "发生纠纷，经多次劝说未果",
    )
    rows = draft(seed, "dispute_mediation", "cases", cases, "case_id")
    rows.spoil("category", 0.02, "code", one_of("99", "邻里"), defect="unknown_code")
    rows.spoil("claimed_amount", 0.03, "text", one_of("若干", "约2万"), defect="not_an_amount")
    rows.spoil("due_on", 0.02, "no_such_day", one_of("2026-02-30", "2026-04-31"), defect="impossible_date")
    rows.spoil("grid_code", 0.05, "missing", constant(None))
    rows.spoil("source", 0.012, "missing", constant(None))
    return {
        "cases": rows.served(
            STREAMS["cases"], ["case_no"], changed_at="updated_at",
            unasked={"_parties": "dsrxm", "_numbers": "dsrsfzh", "_story": "jfms"}, incidents="_incident_id",
        )
    }  # fmt: skip
