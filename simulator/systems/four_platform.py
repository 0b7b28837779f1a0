"""基层治理四平台: bulk-closed events, numbers reused when another unit takes an event over, coordinates in GCJ-02."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.interfaces import GatewayInterface
from simulator.views import dirt, events, places
from simulator.views.base import Served, constant, draft, one_of
from simulator.world import hashing
from simulator.world.model import World

STREAMS = {
    "events": {
        "event_no": "sjbh",
        "unit_code": "sldw",
        "source": "sjly",
        "category": "sjlb",
        "title": "bt",
        "description": "ms",
        "address": "dz",
        "longitude": "jd",
        "latitude": "wd",
        "grid_code": "wgbm",
        "reporter_phone": "sbrdh",
        "reported_at": "sbsj",
        "assigned_at": "fpsj",
        "handled_at": "czsj",
        "closed_at": "jasj",
        "feedback_at": "fksj",
        "state": "zt",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"events": GatewayInterface("zfw/events")}
_STATES = {
    "received": "10",
    "assigned": "20",
    "handled": "30",
    "closed": "40",
    "feedback": "50",
    "void": "90",
}
_SOURCES = ("01", "02", "03", "04", "05", "06")
_SOURCE_SHARES = np.cumsum([0.62, 0.12, 0.08, 0.1, 0.05])
_UNITS = 14
_TRANSFERRED = 0.03


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`events`: one row per event and handling unit."""
    events_ = events.reports(world, "four_platform")
    ids = events_["report_id"].to_numpy()
    unit = hashing.integers(ids, 1, _UNITS + 1, seed, "four_platform", "unit")
    source = np.searchsorted(_SOURCE_SHARES, hashing.uniform(ids, seed, "four_platform", "source"), side="right")
    events_ = events_.with_columns(
        event_no=pl.col("reported_at").dt.strftime("SJ%Y%m%d") + pl.col("report_id").cast(pl.String).str.zfill(7),
        unit_code=pl.Series(unit).cast(pl.String).str.zfill(2),
        source=pl.Series(_SOURCES).gather(pl.Series(source.astype(np.uint32))),
        category=events.word(),
        title=events.word(),
        description=pl.col("text"),
        reporter_phone=pl.col("caller_phone"),
        state=pl.col("status").replace_strict(_STATES, default="10", return_dtype=pl.String),
        _row_id=pl.col("report_id"),
    )
    given_away = events_.filter(
        pl.Series(hashing.uniform(ids, seed, "four_platform", "transferred") < _TRANSFERRED)
        & pl.col("assigned_at").is_not_null()
    ).with_columns(
        unit_code=pl.lit("9") + pl.col("unit_code").str.slice(1),
        state=pl.lit(_STATES["void"]),
        handled_at=pl.lit(None, pl.Datetime("us")),
        closed_at=pl.lit(None, pl.Datetime("us")),
        feedback_at=pl.lit(None, pl.Datetime("us")),
        _row_id=-pl.col("report_id"),
    )
    rows = draft(seed, "four_platform", "events", pl.concat([events_, given_away]), "_row_id")
    places.to_gcj02(rows)
    places.faults(rows, share=0.004, uncorrected_share=0.01)
    rows.spoil("address", 0.2, "nearby", dirt.nearby)
    dirt.addresses(rows, spelling=0.25)
    dirt.phones(rows, "reporter_phone", missing=0.1)
    rows.spoil("grid_code", 0.005, "missing", constant(None))
    rows.spoil("state", 0.0008, "code", one_of("99", "4O"), defect="unknown_code")
    rows.spoil("source", 0.0005, "code", one_of("00", "网格"), defect="unknown_code")
    rows.spoil("category", 0.0003, "missing", constant(None), defect="missing_required")
    columns, key = STREAMS["events"], ["event_no", "unit_code"]
    return {
        "events": rows.served(
            columns, key, changed_at="updated_at", text_times="%Y-%m-%d %H:%M:%S", incidents="_incident_id"
        )
    }
