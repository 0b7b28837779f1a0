"""区划与网格底图: dated borders; neighbours that overlap or leave gaps, old borders that cross themselves."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import shapely

from simulator.interfaces import FileDrop
from simulator.views import places
from simulator.views.base import Floats, Maker, Served, constant, draft
from simulator.world.facts import borders
from simulator.world.geography import METRES_PER_LAT
from simulator.world.model import World

STREAMS = {
    "communities": {
        "community_code": "SQBM",
        "valid_from": "QYRQ",
        "valid_to": "FZRQ",
        "name": "SQMC",
        "geometry": "geometry",
    },
    "grids": {
        "grid_code": "WGBM",
        "valid_from": "QYRQ",
        "valid_to": "FZRQ",
        "community_code": "SQBM",
        "name": "WGMC",
        "longitude": "ZXJD",
        "latitude": "ZXWD",
        "geometry": "geometry",
    },
}
SERVED_BY = {
    "communities": FileDrop("communities_*.geojson", every=92),
    "grids": FileDrop("grids_*.geojson", every=92),
}
SLIP_METRES = 15.0


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`communities` and `grids`, each with the borders that they had before."""
    return {"communities": _communities(world, seed), "grids": _grids(world, seed)}


def _communities(world: World, seed: int) -> Served:
    found = _told(borders.communities(world)).with_columns(community_code="code")
    rows = draft(seed, "grid_map", "communities", found.rename({"border_id": "_row"}), "_row")
    rows.spoil("geometry", 0.1, "crossed", _crossed, defect="invalid_polygon", among=_over(rows.frame))
    return rows.served(STREAMS["communities"], ["community_code", "valid_from"])


def _grids(world: World, seed: int) -> Served:
    found = _told(borders.grids(world)).join(
        world.communities.select("community_id", community_code="code"),
        on="community_id",
        how="left",
        maintain_order="left",
    )
    found = found.with_columns(grid_code="code", longitude="lon", latitude="lat")
    rows = draft(seed, "grid_map", "grids", found.rename({"border_id": "_row"}), "_row")
    over = _over(rows.frame)
    places.faults(rows, share=0.02)
    rows.spoil("geometry", 0.1, "crossed", _crossed, defect="invalid_polygon", among=over)
    rows.spoil("geometry", 0.04, "gap", _slipped(-SLIP_METRES), among=~over)
    rows.spoil("geometry", 0.04, "overlap", _slipped(SLIP_METRES), among=~over)
    rows.spoil("community_code", 0.05, "missing", constant(None), defect="missing_required", among=over)
    rows.spoil("valid_to", 0.08, "forgotten", constant(None), among=over)
    return rows.served(STREAMS["grids"], ["grid_code", "valid_from"])


def _told(found: pl.DataFrame) -> pl.DataFrame:
    return found.with_columns(
        pl.col("valid_from", "valid_to").dt.strftime("%Y-%m-%d"), geometry=_geojson(found["polygon"])
    )


def _over(rows: pl.DataFrame) -> np.ndarray:
    """Which borders are in force no more: whatever is wrong with them, the map of today is whole."""
    return rows["valid_to"].is_not_null().to_numpy()


def _geojson(wkt: pl.Series) -> pl.Series:
    """WKT → compact GeoJSON text (RFC 7946), coordinates rounded to 7 places."""
    shapes = shapely.orient_polygons(shapely.from_wkt(wkt.to_numpy()))
    return pl.Series(shapely.to_geojson(shapes).tolist(), dtype=pl.String)


def _crossed(values: pl.Series, luck: Floats) -> pl.Series:
    """Two corners in the wrong order, so that the border crosses itself."""

    def crossed(text: str) -> str:
        shape = json.loads(text)
        ring = shape["coordinates"][0]
        middle = len(ring) // 2
        ring[1], ring[middle] = ring[middle], ring[1]
        return json.dumps(shape, separators=(",", ":"))

    return pl.Series([crossed(text) for text in values.to_list()], dtype=pl.String)


def _slipped(metres: float) -> Maker:
    """The border drawn so far outside of where it is (inside, where negative)."""

    def maker(values: pl.Series, luck: Floats) -> pl.Series:
        shapes = shapely.from_geojson(values.to_list())
        slipped = shapely.buffer(shapes, metres / METRES_PER_LAT, join_style="mitre")
        rounded = shapely.transform(slipped, lambda xy: np.round(xy, 7))
        return pl.Series(shapely.to_geojson(rounded).tolist(), dtype=pl.String)

    return maker
