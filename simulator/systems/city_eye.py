"""城市眼·云共治: alarms of street cameras' algorithms; one stall raises many, and a quarter are about nothing."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.interfaces import Hook
from simulator.views import events, places
from simulator.views.base import Served, constant, draft, one_of
from simulator.world import hashing
from simulator.world.facts import video
from simulator.world.facts.slots import shifted
from simulator.world.model import World

STREAMS = {
    "alarms": {
        "alarm_id": "alarmId",
        "point_code": "pointCode",
        "kind": "eventType",
        "grid_code": "gridCode",
        "longitude": "lng",
        "latitude": "lat",
        "confidence": "score",
        "alarmed_at": "alarmTime",
        "closed_at": "closeTime",
        "state": "status",
        "updated_at": "updateTime",
    }
}
SERVED_BY = {"alarms": Hook()}
KINDS = {"shop_occupying_road": "CDJY", "illegal_parking": "WTTC", "sanitation": "BLLJ"}
_STATES = {"received": "0", "assigned": "1", "handled": "1", "closed": "2", "feedback": "2"}
_FALSE = "3"


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`alarms`: the current state of each alarm; its messages carry this row."""
    alarms = pl.concat([_true(world, seed), _false(world)], how="diagonal_relaxed")
    ids = alarms["_row"].to_numpy()
    number = pl.Series(hashing.bits(ids, seed, "city_eye", "number") % np.uint64(10**12)).cast(pl.String).str.zfill(12)
    sure = np.where(ids > 0, 0.7, 0.58) + 0.29 * hashing.uniform(ids, seed, "city_eye", "score")
    alarms = alarms.with_columns(
        alarm_id=pl.col("alarmed_at").dt.strftime("CSY%Y%m%d") + number,
        kind=pl.col("kind").replace_strict(KINDS, default="QT", return_dtype=pl.String),
        confidence=pl.Series(np.round(sure, 3)),
        _faces=pl.Series(hashing.integers(ids, 0, 9, seed, "city_eye", "faces")),
        _picture=pl.lit("/snap/") + number + pl.lit(".jpg"),
    ).sort("alarmed_at", "_row")
    rows = draft(seed, "city_eye", "alarms", alarms, "_row")
    places.to_gcj02(rows)
    places.faults(rows, share=0.006, uncorrected_share=0.02)
    rows.spoil("confidence", 0.003, "percent", lambda values, luck: values * 100, defect="out_of_range")
    rows.spoil("grid_code", 0.02, "missing", constant(None))
    rows.spoil("state", 0.0015, "code", one_of("9", "-1"), defect="unknown_code")
    events.epochs(rows, ["alarmed_at", "closed_at", "updated_at"], millis=0.5)
    rows.spoil("alarmed_at", 0.001, "missing", constant(None), defect="missing_required")
    return {
        "alarms": rows.served(
            STREAMS["alarms"], ["alarm_id"], changed_at="updated_at", repeated=0.002,
            unasked={"_faces": "faceNum", "_picture": "faceImages"}, incidents="_incident_id",
        )
    }  # fmt: skip


def _true(world: World, seed: int) -> pl.DataFrame:
    told = events.reports(world, "city_eye")
    # one camera watches the spot: its alarms about one incident carry the same mark on the map
    seen = told["incident_id"].to_numpy()
    lon, lat = shifted(told["longitude"].to_numpy(), told["latitude"].to_numpy(), seen, seed, "mark", metres=40.0)
    return told.with_columns(
        point_code=video.street_points(seen, told["grid_id"].to_numpy(), seed),
        longitude=pl.Series(lon),
        latitude=pl.Series(lat),
        alarmed_at=pl.col("reported_at"),
        state=pl.col("status").replace_strict(_STATES, default="0", return_dtype=pl.String),
        _row=pl.col("report_id"),
    )


def _false(world: World) -> pl.DataFrame:
    nothing = video.street_false_alarms(world)
    ids = nothing["alarm_id"].to_numpy()
    codes = world.grids.select("grid_id", grid_code="code")
    return nothing.join(codes, on="grid_id", how="left", maintain_order="left").with_columns(
        point_code=video.street_points(ids, nothing["grid_id"].to_numpy(), world.seed),
        longitude=pl.col("lon"),
        latitude=pl.col("lat"),
        closed_at=pl.col("rejected_at"),
        state=pl.when(pl.col("rejected_at").is_not_null()).then(pl.lit(_FALSE)).otherwise(pl.lit("0")),
        _row=pl.col("alarm_id"),
    )
