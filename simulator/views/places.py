"""Coordinates as upstreams hold them: their own reference system, and the faults of coordinates."""

from __future__ import annotations

import numpy as np
import polars as pl

from connectors.standards import coordinates
from simulator.views.base import Draft, Floats


def to_gcj02(rows: Draft, digits: int = 6) -> None:
    """Put the true (WGS-84) columns `longitude`, `latitude` into GCJ-02."""
    lon, lat = (rows.frame[name].to_numpy() for name in ("longitude", "latitude"))
    new_lon, new_lat = coordinates.gcj02_from_wgs84(lon, lat)
    rows.set("longitude", _column(new_lon, digits))
    rows.set("latitude", _column(new_lat, digits))


def swapped(lon: Floats, lat: Floats, luck: Floats) -> tuple[Floats, Floats]:
    return lat, lon


def zero(lon: Floats, lat: Floats, luck: Floats) -> tuple[Floats, Floats]:
    return np.zeros_like(lon), np.zeros_like(lat)


def uncorrected(lon: Floats, lat: Floats, luck: Floats) -> tuple[Floats, Floats]:
    """WGS-84 in a GCJ-02 source: half a kilometre off, and nothing about the value itself tells."""
    return tuple(np.round(part, 6) for part in coordinates.wgs84_from_gcj02(lon, lat))  # type: ignore[return-value]


def off_the_map(lon: Floats, lat: Floats, luck: Floats) -> tuple[Floats, Floats]:
    """The decimal point in the wrong place: 1200.9 degrees."""
    return lon * 10, lat


def faults(rows: Draft, *, share: float = 0.004, uncorrected_share: float = 0.0) -> None:
    """Swapped, zero and impossible coordinates (defects); with `uncorrected_share`, WGS-84 left unconverted."""
    rows.spoil_place(share * 0.4, "swapped", swapped, defect="swapped_coordinates")
    rows.spoil_place(share * 0.4, "zero", zero, defect="zero_coordinates")
    rows.spoil_place(share * 0.2, "off", off_the_map, defect="outside_region")
    rows.spoil_place(uncorrected_share, "uncorrected", uncorrected)


def _column(values: Floats, digits: int) -> pl.Series:
    return pl.Series(np.round(values, digits)).fill_nan(None)
