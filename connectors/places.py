"""Points of a page put on one datum: WGS-84, exchanged axes corrected, what is no place withheld.

A coordinate mix-up moves a point by half a kilometre, one whole grid of the town, and shows no error by itself.
So each source declares its CRS, and a point that leaves the region under it is no evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from connectors.contract import Column
from connectors.region import region
from connectors.standards import coordinates


@dataclass(frozen=True)
class Change:
    """New values of one coordinate column, with the rows found wrong or corrected, by reason."""

    column: str
    values: pl.Series
    wrong: dict[str, pl.Series] = field(default_factory=dict)
    corrected: dict[str, pl.Series] = field(default_factory=dict)


_X, _Y = pl.col("x"), pl.col("y")
_ODD = {
    "half": _X.is_null() != _Y.is_null(),
    "zero": ((_X.abs() < 1e-6) & (_Y.abs() < 1e-6)).fill_null(False),
    "swapped": (_X.is_between(15.0, 56.0) & _Y.is_between(70.0, 140.0)).fill_null(False),
}
_POINT = {
    "known": _X.is_not_null() & _Y.is_not_null() & ~pl.col("zero"),
    "lon": pl.when("swapped").then(_Y).otherwise(_X),
    "lat": pl.when("swapped").then(_X).otherwise(_Y),
}


def place_points(columns: Sequence[Column], values: Mapping[str, pl.Series], crs: str) -> Iterator[Change]:
    """For each longitude column and its latitude: the two changed columns."""
    for longitude, latitude in _pairs(columns):
        declared = _declared_crs(longitude, crs)
        yield from _place(longitude.name, latitude.name, values[longitude.name], values[latitude.name], declared)


def _pairs(columns: Sequence[Column]) -> Iterator[tuple[Column, Column]]:
    """Columns that belong together share their name but for longitude/latitude."""
    by_name = {column.name: column for column in columns}
    for column in columns:
        if (column.semantic_type or "").endswith(".longitude"):
            partner = by_name.get(column.name.replace("longitude", "latitude"))
            if partner is not None:
                yield column, partner


def _declared_crs(column: Column, server_crs: str) -> str:
    parts = (column.semantic_type or "").split(".")
    return parts[1] if len(parts) == 3 else server_crs


def _place(x_name: str, y_name: str, x: pl.Series, y: pl.Series, crs: str) -> Iterator[Change]:
    read = pl.DataFrame({"x": x, "y": y}).lazy().with_columns(**_ODD).with_columns(**_POINT).collect()
    known = read["known"].to_numpy()
    lon, lat = (np.where(known, read[axis].to_numpy(), 0.0) for axis in ("lon", "lat"))
    lon, lat = coordinates.convert(lon, lat, crs)
    west, south, east, north = region()
    inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    fine = pl.Series(known & inside)
    placed = pl.DataFrame({x_name: lon, y_name: lat}).select(pl.when(fine).then(pl.all().round(7)))
    # Counted once, on the longitude: a point is one defect, not two.
    wrong = {"half_coordinates": read["half"], "zero_coordinates": read["zero"]}
    wrong["outside_region"] = pl.Series(known & ~inside)
    yield Change(x_name, placed[x_name], wrong, {"swapped_coordinates": read["swapped"] & fine})
    yield Change(y_name, placed[y_name])
