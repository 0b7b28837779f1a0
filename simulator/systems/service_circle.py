"""十五分钟服务圈: points of interest of a map maker's platform, in BD-09; closed ones that stay on the map."""

from __future__ import annotations

import polars as pl

from connectors.standards import coordinates
from simulator.interfaces import GatewayInterface
from simulator.views import dirt, places
from simulator.views.base import Draft, Served, constant, draft, look_up, one_of
from simulator.world.facts import service_points
from simulator.world.model import World

STREAMS = {
    "points": {
        "point_no": "fwdbh",
        "name": "fwdmc",
        "kind": "fwlx",
        "address": "dz",
        "community_code": "sqbm",
        "longitude": "bdjd",
        "latitude": "bdwd",
        "opened_on": "kfrq",
        "state": "zt",
        "updated_at": "zjgxsj",
    }
}
SERVED_BY = {"points": GatewayInterface("sq/servicePoints")}
_KINDS = {kind: f"{number:02d}" for number, kind in enumerate(service_points.KINDS, 1)}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`points`: one row per service point."""
    homes = world.addresses.select("address_id", address="full_text")
    communities = world.communities.select("community_id", community_code="code")
    found = look_up(look_up(service_points.service_points(world), homes, "address_id"), communities, "community_id")
    found = found.with_columns(
        point_no=pl.lit("FWQ") + pl.col("point_id").cast(pl.String).str.zfill(6),
        kind=pl.col("kind").replace_strict(_KINDS, return_dtype=pl.String),
        longitude="lon",
        latitude="lat",
        opened_on=pl.col("opened_on").dt.strftime("%Y-%m-%d"),
        state=pl.when("open").then(pl.lit("1")).otherwise(pl.lit("0")),
        _row=pl.col("point_id"),
    )
    rows = draft(seed, "service_circle", "points", found, "_row")
    _to_bd09(rows)
    places.faults(rows, share=0.015)
    dirt.addresses(rows, spelling=0.3)
    rows.spoil("state", 0.04, "left open", constant("1"), among=rows.frame["state"] == "0")
    rows.spoil("kind", 0.004, "code", one_of("99", "其他"), defect="unknown_code")
    rows.spoil("name", 0.003, "missing", constant(None), defect="missing_required")
    rows.spoil("opened_on", 0.004, "no_such_day", one_of("2024-02-30", "2023-11-31"), defect="impossible_date")
    return {"points": rows.served(STREAMS["points"], ["point_no"], changed_at="updated_at")}


def _to_bd09(rows: Draft) -> None:
    """The map maker's coordinates, to six places as its interface gives them."""
    lon, lat = (rows.frame[name].to_numpy() for name in ("longitude", "latitude"))
    x, y = coordinates.bd09_from_wgs84(lon, lat)
    rows.set("longitude", pl.Series(x).round(6))
    rows.set("latitude", pl.Series(y).round(6))
