"""Coordinate reference systems of Chinese maps: WGS-84, GCJ-02 (maps by law) and BD-09 (Baidu).

All functions take and return float64 arrays of degrees and let NaN through. Forward GCJ-02 is the
published approximation; the inverses iterate to below 1e-6 m. Outside China GCJ-02 does not shift.
CGCS2000 agrees with WGS-84 to centimetres or decimetres and is treated as equal. Local projected
coordinates need official parameters: they are nobody's here, and are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Floats = npt.NDArray[np.float64]
Point = tuple[Floats, Floats]

_AXIS: Final = 6378245.0
_ECCENTRICITY2: Final = 0.00669342162296594323
_BD_TURN: Final = np.pi * 3000.0 / 180.0
# A round of the fixed point shrinks the error about a hundredfold, less near 105° E where the shift has
# a kink; 1e-12 degrees are 1e-7 m.
_MOST_ROUNDS, _TOLERANCE = 12, 1e-12


def gcj02_from_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Point:
    """WGS-84 → GCJ-02."""
    x, y = _arrays(lon, lat)
    dx, dy = _shift(x, y)
    inside = in_china(x, y)
    return np.where(inside, x + dx, x), np.where(inside, y + dy, y)


def wgs84_from_gcj02(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Point:
    """GCJ-02 → WGS-84 by iteration (one step alone is up to 1.7 m off)."""
    return _invert(gcj02_from_wgs84, lon, lat)


def bd09_from_gcj02(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Point:
    """GCJ-02 → BD-09."""
    x, y = _arrays(lon, lat)
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * _BD_TURN)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD_TURN)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def gcj02_from_bd09(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Point:
    """BD-09 → GCJ-02 by iteration (the published closed form is up to 0.13 m off)."""
    return _invert(bd09_from_gcj02, lon, lat)


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


def _shift(lon: Floats, lat: Floats) -> Point:
    """The GCJ-02 displacement at a WGS-84 point, in degrees."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    waves = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    dy = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
    dy += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    dy += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    dx = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves
    dx += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    dx += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    phi = np.radians(lat)
    magic = 1.0 - _ECCENTRICITY2 * np.sin(phi) ** 2
    root_magic = np.sqrt(magic)
    meridian = (_AXIS * (1.0 - _ECCENTRICITY2)) / (magic * root_magic) * np.pi
    parallel = _AXIS / root_magic * np.cos(phi) * np.pi
    return dx * 180.0 / parallel, dy * 180.0 / meridian


def _invert(forward: Callable[[npt.ArrayLike, npt.ArrayLike], Point], lon: npt.ArrayLike, lat: npt.ArrayLike) -> Point:
    """Solve forward(p) = (lon, lat) by the fixed point p ← p − (forward(p) − target)."""
    x, y = _arrays(lon, lat)
    guess_x, guess_y = x, y
    for _ in range(_MOST_ROUNDS):
        out_x, out_y = forward(guess_x, guess_y)
        error_x, error_y = out_x - x, out_y - y
        if not ((np.abs(error_x) > _TOLERANCE) | (np.abs(error_y) > _TOLERANCE)).any():
            break
        guess_x, guess_y = guess_x - error_x, guess_y - error_y
    return guess_x, guess_y
