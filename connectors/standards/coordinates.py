"""Coordinate reference systems of Chinese maps: WGS-84, GCJ-02 (maps by law) and BD-09 (Baidu).

All functions take and return float64 arrays of degrees and let NaN through. Forward GCJ-02 is the
published approximation; the inverses are exact to below 1e-6 m. Outside China GCJ-02 does not shift.
CGCS2000 agrees with WGS-84 to centimetres or decimetres and is treated as equal. Local projected
coordinates need official parameters: they are nobody's here, and are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from connectors.standards._gcj02 import in_blocks, shift, unshifted

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Floats = npt.NDArray[np.float64]
Point = tuple[Floats, Floats]

_BD_EAST, _BD_NORTH = 0.0065, 0.006
_BD_TURN: Final = np.pi * 3000.0 / 180.0
# A round of BD-09's fixed point shrinks the error a hundredfold, from 4e-4 degrees to below 1e-13.
_BD_ROUNDS: Final = 5


def gcj02_from_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Point:
    """WGS-84 → GCJ-02."""
    return in_blocks(_forward_gcj02, *_arrays(lon, lat))


def wgs84_from_gcj02(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Point:
    """GCJ-02 → WGS-84, exact (the usual single step is up to 1.7 m off)."""
    return in_blocks(_inverse_gcj02, *_arrays(lon, lat))


def bd09_from_gcj02(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Point:
    """GCJ-02 → BD-09."""
    return in_blocks(_forward_bd09, *_arrays(lon, lat))


def gcj02_from_bd09(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Point:
    """BD-09 → GCJ-02, exact (the published closed form is up to 0.13 m off)."""
    return in_blocks(_inverse_bd09, *_arrays(lon, lat))


def bd09_from_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Point:
    """WGS-84 → BD-09."""
    return bd09_from_gcj02(*gcj02_from_wgs84(lon, lat))


def wgs84_from_bd09(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Point:
    """BD-09 → WGS-84."""
    return wgs84_from_gcj02(*gcj02_from_bd09(lon, lat))


def _same(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Point:
    return _arrays(lon, lat)


_TO_WGS84: Final[dict[str, Callable[[npt.ArrayLike, npt.ArrayLike], Point]]] = {
    "wgs84": _same,
    "cgcs2000": _same,
    "gcj02": wgs84_from_gcj02,
    "bd09": wgs84_from_bd09,
}


def convert(lon: npt.ArrayLike, lat: npt.ArrayLike, crs: str) -> Point:
    """Coordinates of the system ``crs`` → WGS-84.

    Raises ValueError for a system other than wgs84, cgcs2000, gcj02 and bd09.
    """
    if crs not in _TO_WGS84:
        raise ValueError(
            f"coordinate system {crs!r} cannot be converted: declare one of {', '.join(_TO_WGS84)}, or "
            "quarantine the column (local projected systems need official parameters)"
        )
    return _TO_WGS84[crs](lon, lat)


def in_china(lon: npt.ArrayLike, lat: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """True inside the rectangle in which GCJ-02 shifts; false for NaN, (0, 0) and swapped pairs."""
    x, y = _arrays(lon, lat)
    return np.asarray((x >= 72.004) & (x <= 137.8347) & (y >= 0.8293) & (y <= 55.8271), dtype=np.bool_)


def distance(lon1: npt.ArrayLike, lat1: npt.ArrayLike, lon2: npt.ArrayLike, lat2: npt.ArrayLike) -> Floats:
    """Metres between pairs of WGS-84 points on a sphere of 6,371,008.8 m (0.5 % at worst)."""
    x1, y1 = (np.radians(values) for values in _arrays(lon1, lat1))
    x2, y2 = (np.radians(values) for values in _arrays(lon2, lat2))
    h = np.sin((y2 - y1) / 2) ** 2 + np.cos(y1) * np.cos(y2) * np.sin((x2 - x1) / 2) ** 2
    return np.asarray(2 * 6371008.8 * np.arcsin(np.sqrt(np.clip(h, 0, 1))), dtype=np.float64)


def crs_hypotheses(
    lon: npt.ArrayLike, lat: npt.ArrayLike, area: BaseGeometry | tuple[float, float, float, float]
) -> dict[str, float]:
    """Share of points inside ``area`` if the column were in each system.

    ``area`` is a shapely geometry in WGS-84 or bounds (west, south, east, north). 'swapped' tries WGS-84
    with longitude and latitude exchanged. NaN points are left out; with no points all shares are NaN.
    """
    x, y = _arrays(lon, lat)
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    guesses = {crs: convert(x, y, crs) for crs in ("wgs84", "gcj02", "bd09")} | {"swapped": (y, x)}
    return {crs: float(_inside(*point, area).mean()) if x.size else float("nan") for crs, point in guesses.items()}


def _inside(x: Floats, y: Floats, area: BaseGeometry | tuple[float, float, float, float]) -> npt.NDArray[np.bool_]:
    if isinstance(area, tuple):
        west, south, east, north = area
        return np.asarray((x >= west) & (x <= east) & (y >= south) & (y <= north), dtype=np.bool_)
    import shapely  # here, so that converting coordinates does not need GEOS

    shapely.prepare(area)
    return np.asarray(shapely.intersects_xy(area, x, y), dtype=np.bool_)


def _arrays(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Point:
    return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)


def _forward_gcj02(x: Floats, y: Floats) -> Point:
    by, inside = shift(x, y), in_china(x, y)
    return np.where(inside, x + by.x, x), np.where(inside, y + by.y, y)


def _inverse_gcj02(x: Floats, y: Floats) -> Point:
    """A point that nothing inside the rectangle is moved to lies outside, and so was not moved."""
    from_x, from_y = unshifted(x, y)
    inside = in_china(from_x, from_y)
    return np.where(inside, from_x, x), np.where(inside, from_y, y)


def _forward_bd09(x: Floats, y: Floats) -> Point:
    """Turned about (0, 0) by up to 3e-6, stretched by up to 2e-5 degrees, and moved."""
    turn = 0.000003 * np.cos(x * _BD_TURN)
    with np.errstate(divide="ignore", invalid="ignore"):
        radius = np.hypot(x, y)
        stretch = np.where(radius == 0.0, 1.0, 1.0 + 0.00002 * np.sin(y * _BD_TURN) / radius)
    sine, cosine = np.sin(turn), np.cos(turn)
    return stretch * (x * cosine - y * sine) + _BD_EAST, stretch * (y * cosine + x * sine) + _BD_NORTH


def _inverse_bd09(x: Floats, y: Floats) -> Point:
    """Turned and stretched back, by what the last guess at the answer says."""
    u, v = x - _BD_EAST, y - _BD_NORTH
    radius = np.hypot(u, v)
    guess_x, guess_y = u, v
    for _ in range(_BD_ROUNDS):
        turn = 0.000003 * np.cos(guess_x * _BD_TURN)
        with np.errstate(divide="ignore", invalid="ignore"):
            stretch = np.where(radius == 0.0, 1.0, 1.0 - 0.00002 * np.sin(guess_y * _BD_TURN) / radius)
        # A turn of 3e-6 needs no more of the series of sine and cosine than this.
        shrunk, sideways = stretch * (1.0 - 0.5 * turn * turn), stretch * turn
        guess_x, guess_y = shrunk * u + sideways * v, shrunk * v - sideways * u
    return guess_x, guess_y
