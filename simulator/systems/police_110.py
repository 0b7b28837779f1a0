"""110 联动平台: free-text places, GCJ-02 with some WGS-84 in it, re-typed codes, repeated calls."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import ExchangeTable
from simulator.views import dirt, events, places
from simulator.views.base import Floats, Served, constant, draft, one_of
from simulator.world.model import World

STREAMS = {
    "incidents": {
        "incident_no": "jjdbh",
        "reported_at": "bjsj",
        "category": "bjlb",
        "address": "afdz",
        "longitude": "zbx",
        "latitude": "zby",
        "caller_phone": "bjdh",
        "state": "zt",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"incidents": ExchangeTable("t_jq", ("jjdbh",))}
_STATES = {"received": "1", "assigned": "2", "handled": "2", "closed": "3", "feedback": "3"}


def _retyped(values: pl.Series, luck: Floats) -> pl.Series:
    """The word in place of the code, as an operator types it over."""
    table = {code: events.WORDS[kind] for kind, code in events.POLICE_CODES.items()}
    return values.replace_strict(table, default=events.OTHER_WORD, return_dtype=pl.String)


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`incidents`: one row per call that was taken down."""
    calls = events.reports(world, "police_110").with_columns(
        incident_no=pl.col("reported_at").dt.strftime("330199%Y%m%d")
        + pl.col("report_id").cast(pl.String).str.zfill(7),
        category=pl.col("kind").replace_strict(
            events.POLICE_CODES, default=events.POLICE_OTHER, return_dtype=pl.String
        ),
        state=pl.col("status").replace_strict(_STATES, default="1", return_dtype=pl.String),
    )
    rows = draft(seed, "police_110", "incidents", calls, "_report_id")
    places.to_gcj02(rows)
    places.faults(rows, share=0.006, uncorrected_share=0.02)
    rows.spoil("address", 0.5, "nearby", dirt.nearby)
    dirt.addresses(rows, spelling=0.3)
    rows.spoil("category", 0.03, "retyped", _retyped)
    dirt.phones(rows, "caller_phone", missing=0.05)
    rows.spoil("state", 0.001, "code", one_of("7", "X"), defect="unknown_code")
    rows.spoil("reported_at", 0.0005, "missing", constant(None), defect="missing_required")
    return {
        "incidents": rows.served(
            STREAMS["incidents"], ["incident_no"], changed_at="updated_at", incidents="_incident_id"
        )
    }
