"""The town's rivers: who walked along them, and how the water was."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.calibration import HISTORY_START
from simulator.world.columns import DAY, HOUR, Floats, Ints, digits, micros, texts, times, words
from simulator.world.facts.draws import chosen, daily, days_between, strangers
from simulator.world.geography import EAST, NORTH, SOUTH, WEST
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

NAMES = words("听澜河 清溪港 东塘河 枫桥浜 杏花泾 梅荡河 柳浦港 安乐浜")
A_DAY = 12.0
_BEND_DEGREES = 0.004
_STEP_DEGREES = 0.0006

# parameter: unit, least and most of clean water, factor of a bad day
PARAMETERS: dict[str, tuple[str, float, float, float]] = {
    "ammonia_nitrogen": ("mg/L", 0.1, 0.9, 3.0),
    "total_phosphorus": ("mg/L", 0.04, 0.19, 2.5),
    "permanganate_index": ("mg/L", 2.0, 5.5, 1.8),
    "dissolved_oxygen": ("mg/L", 5.0, 9.0, 0.5),
}


def patrols(world: World) -> pl.DataFrame:
    """One row per patrol since the history began.

    ``patrol_id``, number, river_id, river_code, river, level town|village, started_at, ended_at, points (of the track),
    track ("lon,lat;lon,lat…" in degrees, a point a minute), problems, chief, phone, updated_at.
    """
    ids = daily(HISTORY_START, world.today, max(0.6, A_DAY * world.scale), world.seed, "patrol")
    river = integers(ids, 0, len(NAMES), world.seed, "patrol river")
    start = ids // 10_000 * DAY + 7 * HOUR + (uniform(ids, world.seed, "patrol hour") * 10 * HOUR).astype(np.int64)
    size = integers(ids, 8, 40, world.seed, "patrol points")
    minute = 60_000_000
    end = start + size * minute
    people = strangers(river + 1, world.seed, "river chief")
    done = end < micros(world.now)
    frame = pl.DataFrame(
        {
            "patrol_id": ids,
            "number": "XH" + digits(ids, 9),
            "river_id": river + 1,
            "river_code": _code(river),
            "river": texts(NAMES, river),
            "level": chosen(("town", "village"), ids, world.seed, "patrol level", weights=(1, 3)),
            "started_at": times(start),
            "ended_at": times(end),
            "points": size,
            "track": _tracks(ids, river, size, world.seed),
            "problems": np.maximum(integers(ids, -6, 4, world.seed, "patrol problems"), 0),
            "chief": people["name"],
            "phone": people["phone"],
            "updated_at": times(end + 3 * minute),
        }
    )
    return frame.filter(pl.Series(done))


def samples(world: World) -> pl.DataFrame:
    """One row per section (two to a river), week and parameter: ``sample_id``, section, river_code, river, day,
    parameter, unit, value, updated_at."""
    days = days_between(HISTORY_START, world.today)
    mondays = days[(days + 3) % 7 == 0]
    river, side, day, what = (
        axis.ravel()
        for axis in np.meshgrid(np.arange(len(NAMES)), [1, 2], mondays, np.arange(len(PARAMETERS)), indexing="ij")
    )
    key = ((day * 10 + what) * 10 + side) * 10 + river
    unit, low, high, factor = (np.array(part) for part in zip(*PARAMETERS.values(), strict=True))
    bad = uniform((day * 100 + river * 2 + side), world.seed, "bad water") < 0.08
    value = low[what] + (high - low)[what] * uniform(key, world.seed, "water")
    value = np.round(np.where(bad, value * factor[what], value), 3)
    return pl.DataFrame(
        {
            "sample_id": key,
            "section": _code(river) + "-" + digits(side, 1),
            "river_code": _code(river),
            "river": texts(NAMES, river),
            "day": pl.Series(day.astype(np.int32)).cast(pl.Date),
            "parameter": texts(tuple(PARAMETERS), what),
            "unit": pl.Series(unit[what]),
            "value": value,
            "updated_at": times(day * DAY + 17 * HOUR),
        }
    )


def _code(river: Ints) -> pl.Series:
    return "HD330199" + digits(river + 1, 3)


def _tracks(ids: Ints, river: Ints, size: Ints, seed: int) -> pl.Series:
    """Walks along the river, which runs from west to east and bends a little."""
    row = np.repeat(np.arange(len(ids)), size)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
    begin = WEST + (EAST - WEST - 40 * _STEP_DEGREES) * uniform(ids, seed, "patrol begins")
    lon = begin[row] + nth * _STEP_DEGREES
    lat = _latitude(river[row], lon) + (uniform(ids[row] * 100 + nth, seed, "step") - 0.5) * 0.0001
    point = pl.DataFrame({"row": row, "lon": np.round(lon, 6), "lat": np.round(lat, 6)})
    told = point.group_by("row", maintain_order=True).agg(
        pl.concat_str(pl.col("lon").cast(pl.String), pl.lit(","), pl.col("lat").cast(pl.String)).str.join(";")
    )
    return told["lon"].alias("track")


def _latitude(river: Ints, lon: Floats) -> Floats:
    middle = SOUTH + (NORTH - SOUTH) * (0.2 + 0.6 * river / (len(NAMES) - 1))
    return np.asarray(middle + _BEND_DEGREES * np.sin((lon - WEST) * 150 + river))
