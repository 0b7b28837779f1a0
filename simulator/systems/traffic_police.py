"""交警卡口: hourly counts beside plates and tracks; misread plates, cameras that count shadows, directions in words."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import ExchangeTable
from simulator.views import places
from simulator.views.base import Served, draft, one_of
from simulator.world.facts import traffic
from simulator.world.facts.draws import chosen
from simulator.world.hashing import integers
from simulator.world.model import World

STREAMS = {
    "points": {"point_code": "kkbh", "name": "kkmc", "lanes": "cds", "longitude": "jd", "latitude": "wd"},
    "counts": {
        "point_code": "kkbh",
        "direction": "fx",
        "hour": "tjsj",
        "passes": "gcl",
        "large_vehicles": "dxcl",
        "unread": "wsbs",
        "updated_at": "gxsj",
    },
}
SERVED_BY = {
    "points": ExchangeTable("v_kk_dw", ("kkbh",), flagged=False),
    "counts": ExchangeTable("v_kk_ll", ("kkbh", "fx", "tjsj"), flagged=False),
}
_DIRECTIONS = {"in": "1", "out": "2"}
_LETTERS = tuple("ABCDEFGHJKLMNPQRSTUVWXYZ")


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`points` and `counts` of the last weeks."""
    return {"points": _points(world, seed), "counts": _counts(world, seed)}


def _points(world: World, seed: int) -> Served:
    found = traffic.points(world).with_columns(
        point_code="code",
        longitude="lon",
        latitude="lat",
        lanes=pl.col("lanes").cast(pl.String),
        _row=pl.col("point_id"),
    )
    rows = draft(seed, "traffic_police", "points", found, "_row")
    places.to_gcj02(rows)
    places.faults(rows, share=0.04, uncorrected_share=0.03)
    rows.spoil("lanes", 0.02, "range", one_of("0", "99"), defect="out_of_range")
    return rows.served(STREAMS["points"], ["point_code"])


def _counts(world: World, seed: int) -> Served:
    found = traffic.counts(world)
    ids = found["row_id"].to_numpy()
    plate, other = (
        "浙"
        + chosen(_LETTERS, ids, seed, "plate letter", nth)
        + pl.Series(integers(ids, 10_000, 100_000, seed, "plate", nth)).cast(pl.String)
        for nth in (1, 2)
    )
    found = found.with_columns(
        point_code="code",
        direction=pl.col("direction").replace_strict(_DIRECTIONS, return_dtype=pl.String),
        large_vehicles="large",
        _plate=plate,
        _kind=pl.lit("02"),
        _plates=plate + ";" + other,
        _track=found["code"] + ">" + plate,
        _picture=pl.lit("http://pic.example/") + pl.Series(ids).cast(pl.String) + pl.lit(".jpg"),
        _row=pl.col("row_id"),
    )
    rows = draft(seed, "traffic_police", "counts", found, "_row")
    rows.spoil("passes", 0.001, "shadows", lambda values, luck: values + 50_000, defect="out_of_range")
    rows.spoil("unread", 0.001, "negative", lambda values, luck: -values - 1, defect="out_of_range")
    rows.spoil("unread", 0.004, "misread", lambda values, luck: values * 3 + 5)
    rows.spoil("direction", 0.001, "words", one_of("进城", "9"), defect="unknown_code")
    return rows.served(
        STREAMS["counts"], ["point_code", "direction", "hour"], changed_at="updated_at",
        unasked={"_plate": "hphm", "_kind": "hpzl", "_plates": "hphmqd", "_track": "gcgj", "_picture": "tpdz"},
    )  # fmt: skip
