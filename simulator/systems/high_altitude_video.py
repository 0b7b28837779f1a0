"""智慧天眼: a few cameras high above the town (GB/T 28181) and their algorithms' alarms, most of them about nothing."""

from __future__ import annotations

import numpy as np
import polars as pl

from connectors.standards import device_id
from simulator.interfaces import Catalogue, Hook
from simulator.views import dirt, events, places
from simulator.views.base import Floats, Served, constant, draft, look_up, one_of
from simulator.world import hashing
from simulator.world.calibration import DISTRICT_CODE, DISTRICT_NAME, TOWN_NAME
from simulator.world.facts import video
from simulator.world.model import World

STREAMS = {
    "devices": {
        "device_id": "DeviceID",
        "name": "Name",
        "civil_code": "CivilCode",
        "address": "Address",
        "longitude": "Longitude",
        "latitude": "Latitude",
        "state": "Status",
    },
    "alarms": {
        "alarm_id": "alarmId",
        "device_id": "deviceId",
        "algorithm": "algoType",
        "alarmed_at": "alarmTime",
        "bearing": "pan",
        "longitude": "targetLng",
        "latitude": "targetLat",
        "confidence": "score",
        "verdict": "checkResult",
        "updated_at": "updateTime",
    },
}
SERVED_BY = {"devices": Catalogue(), "alarms": Hook()}
ALGORITHMS = {"smoke_fire": "YHJC", "rubbish": "LJDF", "parking": "WTJC", "crowd": "RYJJ", "floating_objects": "PFW"}
_STATES = {"online": "ON", "offline": "OFF"}
_VERDICTS = {"pending": "0", "confirmed": "1", "false": "2"}
_UNCALIBRATED = 0.35
"""Share of alarms without a target's position: the head was moved and nobody has set it anew."""


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`devices`: one row per camera; `alarms`: the current state of each alarm, whose messages carry this row."""
    cameras = video.high_cameras(world)
    return {"devices": _devices(world, cameras, seed), "alarms": _alarms(world, cameras, seed)}


def _devices(world: World, cameras: pl.DataFrame, seed: int) -> Served:
    there = look_up(cameras, world.grids.select("grid_id", _grid="name"), "grid_id").with_columns(
        civil_code=pl.lit(DISTRICT_CODE),
        address=pl.lit(DISTRICT_NAME + TOWN_NAME) + pl.col("_grid"),
        longitude="lon",
        latitude="lat",
        state=pl.col("status").replace_strict(_STATES, return_dtype=pl.String),
        _row=pl.col("camera_id"),
    )
    rows = draft(seed, "high_altitude_video", "devices", there, "_row")
    places.faults(rows, share=0.06)
    rows.spoil("name", 0.05, "alias", dirt.alias)
    return rows.served(STREAMS["devices"], ["device_id"])


def _alarms(world: World, cameras: pl.DataFrame, seed: int) -> Served:
    alarms = video.high_alarms(world)
    ids = alarms["alarm_id"].to_numpy()
    number = pl.Series(hashing.bits(ids, seed, "high alarm no") % np.uint64(10**12)).cast(pl.String).str.zfill(12)
    alarms = look_up(alarms, cameras.select("camera_id", "device_id"), "camera_id").with_columns(
        alarm_id=pl.col("alarmed_at").dt.strftime("TY%Y%m%d") + number,
        algorithm=pl.col("algorithm").replace_strict(ALGORITHMS, return_dtype=pl.String),
        longitude="lon",
        latitude="lat",
        verdict=pl.col("verdict").replace_strict(_VERDICTS, return_dtype=pl.String),
        _incident_id=pl.col("incident_id"),
        _row=pl.col("alarm_id"),
        _picture=pl.lit("/snap/") + number + pl.lit(".jpg"),
        _stream=pl.lit("rtsp://video.invalid/") + number,
    )
    rows = draft(seed, "high_altitude_video", "alarms", alarms, "_row")
    calibrated = pl.Series(~rows.pick(_UNCALIBRATED, "calibrated"))
    for axis in ("longitude", "latitude"):
        rows.set(axis, pl.when(calibrated).then(pl.col(axis)))
    places.faults(rows, share=0.008)
    rows.spoil("bearing", 0.004, "range", lambda values, luck: values + 360, defect="out_of_range")
    rows.spoil("device_id", 0.001, "letter", _letters, defect="invalid_device_id",
               judge=lambda new: ~device_id.is_valid(new).fill_null(False))  # fmt: skip
    rows.spoil("verdict", 0.001, "code", one_of("9"), defect="unknown_code")
    rows.spoil("algorithm", 0.001, "missing", constant(None), defect="missing_required")
    events.epochs(rows, ["alarmed_at", "updated_at"], millis=1.0)
    return rows.served(
        STREAMS["alarms"], ["alarm_id"], changed_at="updated_at", repeated=0.002,
        unasked={"_picture": "snapUrl", "_stream": "streamUrl"}, incidents="_incident_id",
    )  # fmt: skip


def _letters(values: pl.Series, luck: Floats) -> pl.Series:
    """A zero typed as the letter O."""
    return values.str.slice(0, 18) + "O" + values.str.slice(19)
