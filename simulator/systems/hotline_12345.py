"""12345 政务服务热线: orders of citizens' calls; places in words only, names and numbers inside the text."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.interfaces import GatewayInterface
from simulator.views import dirt, events
from simulator.views.base import Floats, Served, constant, draft, one_of
from simulator.world import hashing
from simulator.world.facts.draws import strangers
from simulator.world.model import World

STREAMS = {
    "orders": {
        "order_no": "gdbh",
        "source": "gdly",
        "category": "sqfl",
        "title": "bt",
        "content": "sqnr",
        "address": "sfdz",
        "caller_phone": "lxdh",
        "reported_at": "slsj",
        "assigned_at": "pdsj",
        "due_at": "bjsx",
        "closed_at": "bjsj",
        "satisfaction": "mydpj",
        "state": "gdzt",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"orders": GatewayInterface("rx/orders")}
_STATES = {"received": "1", "assigned": "2", "handled": "3", "closed": "4", "feedback": "5"}
_SOURCES, _SOURCE_SHARES = ("1", "2", "3", "4"), np.cumsum([0.78, 0.12, 0.07])
_RETURNED = 0.02
_DUE_DAYS = np.array([1, 3, 5, 10])
_SATISFACTION = np.cumsum([0.62, 0.2, 0.11])


def _with_name(values: pl.Series, luck: Floats) -> pl.Series:
    """The clerk notes who called and how to reach them."""
    surname = pl.Series(list("王李张刘陈杨黄赵")).gather((luck * 8).astype(np.uint32))
    tail = pl.Series((luck * 100_000_000).astype(np.int64)).cast(pl.String).str.zfill(8)
    return values + "。来电人" + surname + "女士，回访电话138" + tail


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`orders`: one row per order that was sent to the town."""
    told = events.reports(world, "hotline_12345")
    ids = told["report_id"].to_numpy()
    source = np.searchsorted(_SOURCE_SHARES, hashing.uniform(ids, seed, "hotline_12345", "source"), side="right")
    days = _DUE_DAYS[hashing.integers(ids, 0, len(_DUE_DAYS), seed, "hotline_12345", "due")]
    mark = np.searchsorted(_SATISFACTION, hashing.uniform(ids, seed, "hotline_12345", "mark"), side="right")
    returned = pl.Series(hashing.uniform(ids, seed, "hotline_12345", "returned") < _RETURNED)
    told = told.with_columns(
        order_no=pl.col("reported_at").dt.strftime("HZ%Y%m%d") + pl.col("report_id").cast(pl.String).str.zfill(7),
        source=pl.Series(_SOURCES).gather(pl.Series(source.astype(np.uint32))),
        category=events.word(),
        title=pl.lit("关于") + events.word() + pl.lit("的诉求"),
        content=pl.col("text"),
        due_at=pl.col("reported_at") + pl.duration(days=pl.lit(pl.Series(days))),
        satisfaction=pl.when(pl.col("feedback_at").is_not_null()).then(pl.Series(4 - mark).cast(pl.String)),
        state=pl.when(returned & pl.col("assigned_at").is_not_null())
        .then(pl.lit("9"))
        .otherwise(pl.col("status").replace_strict(_STATES, default="1", return_dtype=pl.String)),
        _caller=strangers(ids, seed, "hotline caller")["name"],
    )
    rows = draft(seed, "hotline_12345", "orders", told, "_report_id")
    rows.spoil("address", 0.7, "nearby", dirt.nearby)
    dirt.addresses(rows, spelling=0.3, aliases=0.08)
    rows.spoil("content", 0.05, "name", _with_name)
    dirt.phones(rows, "caller_phone", missing=0.06, shared=0)
    rows.spoil("state", 0.001, "code", one_of("0", "已办结"), defect="unknown_code")
    rows.spoil("source", 0.001, "code", one_of("5", "微信"), defect="unknown_code")
    rows.spoil("due_at", 0.01, "missing", constant(None))
    rows.spoil("category", 0.0008, "missing", constant(None), defect="missing_required")
    return {
        "orders": rows.served(
            STREAMS["orders"], ["order_no"], changed_at="updated_at", text_times="%Y-%m-%d %H:%M:%S",
            unasked={"_caller": "ldrxm"}, incidents="_incident_id",
        )
    }  # fmt: skip
