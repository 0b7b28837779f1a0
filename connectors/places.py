"""Points of a page put on one datum: WGS-84, exchanged axes corrected, what is no place withheld.

A coordinate mix-up moves a point by half a kilometre, one whole grid of the town, and shows no error by itself.
So each source declares its CRS, and a point that leaves the region under it is no evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from connectors.contract import Column
from connectors.region import region
from connectors.standards import coordinates

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


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
    lon, lat = _numbers(x), _numbers(y)  # finite, for the rule of numbers has refused all others
    missing = np.isnan(lon), np.isnan(lat)  # what is compared with them is false
    zero = (np.abs(lon) < 1e-6) & (np.abs(lat) < 1e-6)
    swapped = (lon >= 15.0) & (lon <= 56.0) & (lat >= 70.0) & (lat <= 140.0)
    known = ~(missing[0] | missing[1] | zero)
    east, north = np.where(swapped, lat, lon), np.where(swapped, lon, lat)
    east, north = coordinates.convert(np.where(known, east, 0.0), np.where(known, north, 0.0), crs)
    inside = _in_region(east, north)
    fine = known & inside
    # Counted once, on the longitude: a point is one defect, not two.
    wrong = {"half_coordinates": missing[0] ^ missing[1], "zero_coordinates": zero, "outside_region": known & ~inside}
    placed = pl.DataFrame({x_name: east, y_name: north}).select(pl.when(pl.Series(fine)).then(pl.all().round(7)))
    yield Change(x_name, placed[x_name], _some(wrong), _some({"swapped_coordinates": swapped & fine}))
    yield Change(y_name, placed[y_name])


def _numbers(values: pl.Series) -> Floats:
    """Those of a column, NaN where there is none."""
    return values.cast(pl.Float64).to_numpy()


def _in_region(lon: Floats, lat: Floats) -> Mask:
    west, south, east, north = region()
    return np.asarray((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north), dtype=np.bool_)


def _some(rows: dict[str, Mask]) -> dict[str, pl.Series]:
    """Those reasons that any row has."""
    return {reason: pl.Series(mask) for reason, mask in rows.items() if mask.any()}
