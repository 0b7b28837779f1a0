"""交警卡口: vehicles counted by point, hour and direction; beside each count the plate and the track that we refuse."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import ExchangeTable
from simulator.views import places
from simulator.views.base import Served, constant, draft, one_of
from simulator.world.facts import traffic
from simulator.world.model import World

STREAMS = {
    "points": {"point_no": "dwbh", "name": "dwmc", "longitude": "jd", "latitude": "wd"},
    "counts": {
        "point_no": "dwbh",
        "hour": "tjsj",
        "direction": "fx",
        "vehicles": "gcls",
        "unread_plates": "wsbs",
        "updated_at": "gxsj",
    },
}
SERVED_BY = {
    "points": ExchangeTable("t_kkdw", ("dwbh",), flagged=False),
    "counts": ExchangeTable("t_kktj", ("dwbh", "tjsj", "fx"), flagged=False),
}
UNASKED = {"_plate": "zjhp", "_track": "gjid"}
"""Of the hour's last vehicle: its plate and the number of its track."""


def _point_no() -> pl.Expr:
    return pl.lit("330199KK") + pl.col("point_id").cast(pl.String).str.zfill(4)


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`points`: one row per checkpoint; `counts`: one row per checkpoint, hour and direction of the last two weeks."""
    return {"points": _points(world, seed), "counts": _counts(world, seed)}


def _points(world: World, seed: int) -> Served:
    found = traffic.points(world).with_columns(
        point_no=_point_no(), longitude="lon", latitude="lat", _row=pl.col("point_id")
    )
    rows = draft(seed, "traffic_police", "points", found, "_row")
    places.to_gcj02(rows)
    places.faults(rows, share=0.02)
    return rows.served(STREAMS["points"], ["point_no"])


def _counts(world: World, seed: int) -> Served:
    found = traffic.counts(world).with_columns(
        point_no=_point_no(),
        direction=pl.col("direction").cast(pl.String),
        unread_plates="unread",
        _row=pl.col("row"),
        _plate=pl.col("plate"),
        _track=pl.col("track"),
    )
    rows = draft(seed, "traffic_police", "counts", found, "_row")
    rows.spoil("vehicles", 0.0008, "range", lambda values, luck: values - 99_999, defect="out_of_range")
    rows.spoil("vehicles", 0.0006, "missing", constant(None), defect="missing_required")
    rows.spoil("unread_plates", 0.01, "missing", constant(None))
    rows.spoil("direction", 0.0008, "code", one_of("2", "双向"), defect="unknown_code")
    return rows.served(STREAMS["counts"], ["point_no", "hour", "direction"], changed_at="updated_at", unasked=UNASKED)
