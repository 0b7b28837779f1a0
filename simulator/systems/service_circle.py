"""十五分钟服务圈: points of BD-09, some of them of another map; closed places, kinds in words."""

from __future__ import annotations

import numpy as np
import polars as pl

from connectors.standards import coordinates
from simulator.interfaces import GatewayInterface
from simulator.views import dirt, places
from simulator.views.base import Floats, Served, constant, draft, look_up, one_of
from simulator.world.facts import amenities
from simulator.world.model import World

STREAMS = {
    "places": {
        "place_code": "fwdbm",
        "name": "jgmc",
        "kind": "fwlb",
        "service": "fwxm",
        "community_code": "sqbm",
        "address": "dz",
        "longitude": "jd",
        "latitude": "wd",
        "opening_hours": "kfsj",
        "state": "zt",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"places": GatewayInterface("mzj/places")}
_KINDS = {kind: f"{number:02d}" for number, kind in enumerate(amenities.KINDS, 1)}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`places`: one row per place."""
    found = look_up(
        amenities.places(world), world.communities.select("community_id", community_code="code"), "community_id"
    )
    lon, lat = coordinates.bd09_from_wgs84(found["lon"].to_numpy(), found["lat"].to_numpy())
    found = found.with_columns(
        place_code="code",
        kind=pl.col("kind").replace_strict(_KINDS, return_dtype=pl.String),
        longitude=pl.Series(np.round(lon, 6)),
        latitude=pl.Series(np.round(lat, 6)),
        opening_hours=pl.concat_str(
            pl.col("opens").cast(pl.String), pl.lit(":00-"), pl.col("closes").cast(pl.String), pl.lit(":00")
        ),
        state=pl.when("open").then(pl.lit("1")).otherwise(pl.lit("0")),
        _row=pl.col("place_id"),
    )
    rows = draft(seed, "service_circle", "places", found, "_row")
    places.faults(rows, share=0.02)
    rows.spoil_place(0.04, "gcj02", _gcj02)
    dirt.addresses(rows, spelling=0.2, aliases=0.05)
    rows.spoil("kind", 0.01, "words", one_of("养老", "0"), defect="unknown_code")
    rows.spoil("state", 0.005, "code", one_of("2", "装修"), defect="unknown_code")
    rows.spoil("name", 0.005, "missing", constant(None), defect="missing_required")
    rows.spoil("opening_hours", 0.1, "words", one_of("全天", "工作日"))
    return {
        "places": rows.served(
            STREAMS["places"], ["place_code"], changed_at="updated_at", text_times="%Y-%m-%d %H:%M:%S",
            unasked={"contact": "lxr", "phone": "lxdh"},
        )
    }  # fmt: skip


def _gcj02(lon: Floats, lat: Floats, luck: Floats) -> tuple[Floats, Floats]:
    """Left in GCJ-02: some hundred metres off, and nothing about the value tells."""
    wgs = coordinates.wgs84_from_bd09(lon, lat)
    return tuple(np.round(part, 6) for part in coordinates.gcj02_from_wgs84(*wgs))  # type: ignore[return-value]
