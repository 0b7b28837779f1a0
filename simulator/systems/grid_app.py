"""网格员手机APP: reports from the street; positions drift, and what was written without a network comes hours later."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from simulator.interfaces import Hook
from simulator.views import events, places
from simulator.views.base import Served, constant, draft, one_of
from simulator.world import hashing
from simulator.world.columns import count
from simulator.world.facts.draws import strangers
from simulator.world.facts.slots import shifted
from simulator.world.model import World

STREAMS = {
    "reports": {
        "report_id": "id",
        "staff_id": "userId",
        "staff_role": "role",
        "category": "type",
        "content": "content",
        "address": "address",
        "grid_code": "gridCode",
        "longitude": "lng",
        "latitude": "lat",
        "accuracy_metres": "accuracy",
        "photos": "images",
        "offline": "offline",
        "reported_at": "createTime",
        "uploaded_at": "uploadTime",
        "state": "status",
        "updated_at": "updateTime",
    }
}
SERVED_BY = {"reports": Hook()}
FULL_TIME, PART_TIME = 288, 2_403
_STATES = {"received": "0", "assigned": "1", "handled": "1", "closed": "2", "feedback": "2"}
_OFFLINE = 0.09
_UPLOADS = (7.5, 12.0, 18.0)
"""Hours of the day at which staff are back in a network and the app sends what it kept."""


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`reports`: the current state of each report that has been uploaded; its messages carry this row."""
    told = _uploaded(world, seed)
    ids = told["report_id"].to_numpy()
    full_time = hashing.uniform(ids, seed, "grid_app", "role") < 0.7
    staff = np.where(
        full_time,
        hashing.integers(ids, 1, count(world.scale, FULL_TIME, 3) + 1, seed, "grid_app", "full time"),
        1_000 + hashing.integers(ids, 1, count(world.scale, PART_TIME, 3) + 1, seed, "grid_app", "part time"),
    )
    drift = 4 + 12 * hashing.uniform(ids, seed, "grid_app", "accuracy")
    lost = hashing.uniform(ids, seed, "grid_app", "drift") < 0.08
    accuracy = np.round(np.where(lost, 60 + 500 * hashing.uniform(ids, seed, "grid_app", "lost"), drift), 1)
    lon, lat = told["longitude"].to_numpy(), told["latitude"].to_numpy()
    near, far = shifted(lon, lat, ids, seed, "gps", metres=16.0), shifted(lon, lat, ids, seed, "gps", metres=500.0)
    told = told.with_columns(
        report_id=pl.lit("WG") + pl.col("report_id").cast(pl.String).str.zfill(9),
        staff_id=pl.lit("U") + pl.Series(staff).cast(pl.String).str.zfill(5),
        staff_role=pl.Series(np.where(full_time, "1", "2")),
        category=events.word(),
        content=pl.col("text"),
        longitude=pl.Series(np.where(lost, far[0], near[0])),
        latitude=pl.Series(np.where(lost, far[1], near[1])),
        accuracy_metres=pl.Series(accuracy),
        photos=pl.Series(hashing.integers(ids, 0, 7, seed, "grid_app", "photos")),
        state=pl.col("status").replace_strict(_STATES, default="0", return_dtype=pl.String),
        _name=strangers(staff, seed, "grid_app")["name"],
    )
    rows = draft(seed, "grid_app", "reports", told, "_report_id")
    places.to_gcj02(rows)
    places.faults(rows, share=0.008, uncorrected_share=0.01)
    rows.spoil("photos", 0.001, "range", lambda values, luck: values + 100, defect="out_of_range")
    rows.spoil("staff_role", 0.001, "code", one_of("0", "网格长"), defect="unknown_code")
    rows.spoil("state", 0.0008, "code", one_of("-1"), defect="unknown_code")
    rows.spoil("grid_code", 0.015, "missing", constant(None))
    events.epochs(rows, ["reported_at", "uploaded_at", "updated_at"], millis=0.25)
    rows.spoil("reported_at", 0.0005, "missing", constant(None), defect="missing_required")
    return {
        "reports": rows.served(
            STREAMS["reports"], ["report_id"], changed_at="updated_at", repeated=0.001,
            unasked={"_name": "userName"}, incidents="_incident_id",
        )
    }  # fmt: skip


def _uploaded(world: World, seed: int) -> pl.DataFrame:
    """Reports that have reached the platform: at once, or from a phone without a network at the next upload."""
    told = events.reports(world, "grid_app")
    ids = told["report_id"].to_numpy()
    offline = pl.Series(hashing.uniform(ids, seed, "grid_app", "offline") < _OFFLINE)
    midnight = pl.col("reported_at").dt.truncate("1d")
    uploads = [midnight + timedelta(hours=hour) for hour in (*_UPLOADS, 24 + _UPLOADS[0])]
    next_one = pl.coalesce(*(pl.when(moment > pl.col("reported_at")).then(moment) for moment in uploads))
    late = timedelta(seconds=1) * pl.lit(pl.Series(hashing.integers(ids, 3, 90, seed, "grid_app", "upload")))
    return (
        told.with_columns(
            offline=pl.when(offline).then(pl.lit("1")).otherwise(pl.lit("0")),
            uploaded_at=pl.when(offline).then(next_one).otherwise(pl.col("reported_at")) + late,
        )
        .filter(pl.col("uploaded_at") < world.now)
        .with_columns(updated_at=pl.max_horizontal("updated_at", "uploaded_at"))
    )
