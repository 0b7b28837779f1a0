"""Points of a page put on one datum: WGS-84, exchanged axes corrected, what is no place withheld.

A coordinate mix-up moves a point by half a kilometre, one whole grid of the town, and shows no error by itself.
So each source declares its CRS, and a point that leaves the region under it is no evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

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
    half = x.is_null() != y.is_null()
    zero = ((x.abs() < 1e-6) & (y.abs() < 1e-6)).fill_null(False)
    swapped = (x.is_between(15.0, 56.0) & y.is_between(70.0, 140.0)).fill_null(False)
    lon, lat = y.zip_with(swapped, x), x.zip_with(swapped, y)
    known = lon.is_not_null() & lat.is_not_null() & ~zero
    wgs_lon, wgs_lat = coordinates.convert(
        lon.zip_with(known, pl.repeat(0.0, len(x), eager=True)).to_numpy(),
        lat.zip_with(known, pl.repeat(0.0, len(x), eager=True)).to_numpy(),
        crs,
    )
    west, south, east, north = region()
    lon, lat = pl.Series(wgs_lon, dtype=pl.Float64), pl.Series(wgs_lat, dtype=pl.Float64)
    inside = lon.is_between(west, east) & lat.is_between(south, north)
    outside = known & ~inside
    wrong = {"half_coordinates": half, "zero_coordinates": zero, "outside_region": outside}
    fine = known & inside
    corrected = {"swapped_coordinates": swapped & fine}
    for name, axis in ((x_name, lon), (y_name, lat)):
        # Counted once, on the longitude: a point is one defect, not two.
        first = name == x_name
        rounded = axis.round(7)
        yield Change(
            name,
            pl.select(pl.when(fine).then(rounded)).to_series().rename(name),
            wrong if first else {},
            corrected if first else {},
        )
