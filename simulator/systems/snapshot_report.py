"""微信“随手拍”: messages of residents; times in seconds or milliseconds, numbers and names inside the text."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import Hook
from simulator.views import dirt, events, places
from simulator.views.base import Floats, Served, constant, draft, one_of
from simulator.world import hashing
from simulator.world.model import World

STREAMS = {
    "reports": {
        "report_id": "id",
        "openid": "openid",
        "content": "content",
        "category": "type",
        "photos": "images",
        "longitude": "lng",
        "latitude": "lat",
        "phone": "mobile",
        "state": "status",
        "reported_at": "createTime",
        "updated_at": "updateTime",
    }
}
SERVED_BY = {"reports": Hook()}
_STATES = {"received": "0", "assigned": "1", "handled": "1", "closed": "2", "feedback": "2", "rejected": "3"}
_FOLLOWERS = 98_000


def _with_contact(values: pl.Series, luck: Floats) -> pl.Series:
    """People write their number into the text."""
    tail = pl.Series((luck * 100_000_000).astype("int64")).cast(pl.String).str.zfill(8)
    return values + "，联系电话139" + tail


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`reports`: the current state of each report; its messages carry this row."""
    told = events.reports(world, "snapshot_report")
    ids = told["report_id"].to_numpy()
    follower = hashing.integers(ids, 0, max(1, int(_FOLLOWERS * world.scale)), seed, "snapshot_report", "openid")
    handle = pl.Series(hashing.bits(follower, seed, "openid")).cast(pl.String).str.zfill(20)
    told = told.with_columns(
        report_id=pl.lit("SP") + pl.col("report_id").cast(pl.String).str.zfill(9),
        openid=pl.lit("oTL_") + handle,
        content=pl.col("text"),
        category=events.word(),
        photos=pl.Series(hashing.integers(ids, 0, 7, seed, "snapshot_report", "photos")),
        phone=pl.col("caller_phone"),
        state=pl.col("status").replace_strict(_STATES, default="0", return_dtype=pl.String),
    )
    rows = draft(seed, "snapshot_report", "reports", told, "_report_id")
    places.to_gcj02(rows)
    places.faults(rows, share=0.006, uncorrected_share=0.04)
    rows.spoil("content", 0.01, "contact", _with_contact)
    dirt.phones(rows, "phone", missing=0.3, format=0.02, shared=0)
    rows.spoil("photos", 0.001, "range", lambda values, luck: values + 100, defect="out_of_range")
    rows.spoil("state", 0.001, "code", one_of("-1"), defect="unknown_code")
    events.epochs(rows, ["reported_at", "updated_at"], millis=0.33)
    rows.spoil("reported_at", 0.0006, "missing", constant(None), defect="missing_required")
    return {
        "reports": rows.served(STREAMS["reports"], ["report_id"], changed_at="updated_at", incidents="_incident_id")
    }
