"""智慧小区 gates: device ids of three makers, hours that are missing; and with every count the people who passed."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from simulator.interfaces import Queue
from simulator.views import places
from simulator.views.base import Served, constant, draft, look_up, one_of
from simulator.world.columns import HOUR
from simulator.world.facts import passages
from simulator.world.model import World

STREAMS = {
    "devices": {
        "device_no": "sbbh",
        "name": "sbmc",
        "estate": "xqmc",
        "community_code": "sqbm",
        "kind": "sblx",
        "maker": "cs",
        "longitude": "jd",
        "latitude": "wd",
        "installed_on": "azrq",
        "state": "zt",
        "updated_at": "gxsj",
    },
    "hourly_counts": {
        "device_no": "sbbh",
        "hour": "tjsj",
        "passes_in": "jrs",
        "passes_out": "crs",
    },
}
SERVED_BY = {"devices": Queue("smart_community.devices"), "hourly_counts": Queue("smart_community.hourly_counts")}
UNASKED = {"_name": "xm", "_id_no": "sfzh", "_face": "rlid", "_card": "kh", "_at": "txsj"}
"""The last pass of the hour, that the makers' platforms put beside the count: person, face, card and moment."""
_MAKERS = ("hk", "dh", "yt")
_KINDS = {"pedestrian": "人行", "vehicle": "车行"}
_STATES = {"online": "1", "offline": "0"}


def _device_no() -> pl.Expr:
    """Each maker's own: HK-000012, dh:12:0c, and 15 digits."""
    number = pl.col("gate_id").cast(pl.String)
    return (
        pl.when(pl.col("vendor") == 0)
        .then(pl.lit("HK-") + number.str.zfill(6))
        .when(pl.col("vendor") == 1)
        .then(pl.lit("dh:") + number.str.zfill(4) + pl.lit(":0c"))
        .otherwise(pl.lit("8613") + number.str.zfill(11))
    )


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`devices`, and `hourly_counts` of the last day."""
    return {"devices": _devices(world, seed), **messages(world, *passages.day_of(world), seed=seed)}


def _devices(world: World, seed: int) -> Served:
    communities = world.communities.select("community_id", community_code="code")
    gates = look_up(passages.gates(world), communities, "community_id").with_columns(
        device_no=_device_no(),
        name=pl.col("estate") + pl.col("door") + pl.col("kind").replace_strict(_KINDS, return_dtype=pl.String)
        + pl.lit("闸机"),
        kind=pl.col("kind").replace_strict(_KINDS, return_dtype=pl.String),
        maker=pl.Series(_MAKERS).gather(passages.gates(world)["vendor"]),
        longitude="lon",
        latitude="lat",
        installed_on=pl.col("installed_on").dt.strftime("%Y-%m-%d"),
        state=pl.col("state").replace_strict(_STATES, return_dtype=pl.String),
        _row=pl.col("gate_id"),
    )  # fmt: skip
    rows = draft(seed, "smart_community", "devices", gates, "_row")
    places.to_gcj02(rows)
    places.faults(rows, share=0.02)
    rows.spoil("community_code", 0.03, "missing", constant(None))
    rows.spoil("kind", 0.006, "code", one_of("双向", "未知"), defect="unknown_code")
    rows.spoil("name", 0.004, "missing", constant(None), defect="missing_required")
    return rows.served(STREAMS["devices"], ["device_no"], changed_at="updated_at")


def messages(world: World, since: datetime, until: datetime, *, seed: int) -> dict[str, Served]:
    """`hourly_counts`: the hours in [since, until), local time, each with somebody who passed in it."""
    gates = passages.gates(world).select("gate_id", device_no=_device_no())
    counts = passages.counts(world, since, until)
    last = passages.last_passes(counts, world.seed)
    counts = look_up(counts, gates, "gate_id").with_columns(
        hour=pl.col("hour").dt.strftime("%Y-%m-%d %H:00:00"),
        _row=pl.col("gate_id") * 1_000_000 + counts["hour"].to_physical() // HOUR,
        **{f"_{name}": last[name] for name in last.columns},
    )
    rows = draft(seed, "smart_community", "hourly_counts", counts, "_row")
    rows.spoil("passes_in", 0.001, "range", lambda values, luck: -values - 1, defect="out_of_range")
    rows.spoil("passes_out", 0.001, "range", lambda values, luck: values + 65_536, defect="out_of_range")
    rows.spoil("passes_in", 0.001, "missing", _nothing, defect="missing_required")
    return {
        "hourly_counts": rows.served(
            STREAMS["hourly_counts"], ["device_no", "hour"], text_times="%Y-%m-%d %H:%M:%S", unasked=UNASKED
        )
    }  # fmt: skip


def _nothing(values: pl.Series, luck: object) -> pl.Series:
    """A message of a pass and not of an hour: there is nobody to count, there is somebody who passed."""
    return pl.Series([None], dtype=values.dtype).new_from_index(0, len(values))
