"""How far reports have come: received → assigned → handled → closed → (for three in five) feedback.

When each step happens is a pure function of report and seed, so a report's state at any moment can be
recomputed and living day by day gives the same as jumping ahead.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from simulator.world.columns import DAY, HOUR, micros, numbers, texts, times
from simulator.world.hashing import uniform

STATUSES: tuple[str, ...] = ("reported", "received", "assigned", "handled", "closed", "feedback")
STEPS: tuple[str, ...] = ("received_at", "assigned_at", "handled_at", "closed_at", "feedback_at")
FEEDBACK_SHARE = 0.6
# mean minutes of the steps; a report 60 days old has made all its steps
_MEAN = {
    "police_110": (0.5, 2, 40, 60, 600),
    "fire_119": (0.3, 1, 60, 120, 1440),
    "four_platform": (20, 90, 2160, 600, 1440),
    "snapshot_report": (60, 240, 2400, 720, 1440),
    "hotline_12345": (5, 60, 2880, 1440, 600),
    "city_eye": (1, 30, 600, 300, 1440),
    "safety_patrol": (5, 60, 4320, 720, 1440),
    "grid_app": (2, 30, 1440, 400, 1440),
    "city_management": (15, 60, 1440, 600, 1440),
}
SETTLED_AFTER_DAYS = 60


def at(reports: pl.DataFrame, now: datetime, seed: int) -> pl.DataFrame:
    """``reports`` with the steps made before ``now``: their times, ``status`` and ``updated_at``."""
    ids = reports["report_id"].to_numpy()
    limit = micros(now)
    means = np.array(list(_MEAN.values()))
    channel = reports["channel"].replace_strict(list(_MEAN), range(len(_MEAN)), return_dtype=pl.Int64).to_numpy()
    moment = numbers(reports["reported_at"])
    latest = moment
    made = np.zeros(len(ids), np.int64)
    columns = {}
    for number, step in enumerate(STEPS):
        wait = -means[channel, number] * np.log1p(-uniform(ids, seed, step))
        moment = np.minimum(moment + (wait * HOUR / 60).astype(np.int64), moment + 11 * DAY)
        done = moment < limit
        if step == "feedback_at":
            done &= uniform(ids, seed, "feedback") < FEEDBACK_SHARE
        columns[step] = times(moment, done)
        latest = np.where(done, moment, latest)
        made += done
    return reports.with_columns(
        texts(STATUSES, made).alias("status"),
        *[values.alias(step) for step, values in columns.items()],
        times(latest).alias("updated_at"),
    )


def onward(reports: pl.DataFrame, now: datetime, seed: int) -> pl.DataFrame:
    """The same rows with open reports brought up to ``now``."""
    settled = pl.lit(now).cast(pl.Datetime("us")) - pl.duration(days=SETTLED_AFTER_DAYS)
    moving = (pl.col("status") != STATUSES[-1]) & (pl.col("reported_at") > settled)
    # rows are in order of reporting, so all that may move are at the end of the table
    first = reports.select(moving.arg_true().first()).item()
    if first is None:
        return reports
    return pl.concat([reports[:first], at(reports[first:], now, seed).select(reports.columns)])
