"""The displacement of GCJ-02 with its slopes, and its inverse by Newton's method.

The published approximation adds sines of x/30, x/12, x/3, x, 2x and 6x half turns. All are harmonics of one angle, so
one sine and one cosine per axis give every one of them and, as by-products, the derivatives that Newton wants. Work is
done in blocks that stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Point = tuple[Floats, Floats]

_AXIS: Final = 6378245.0
_ECCENTRICITY2: Final = 0.00669342162296594323
_LON0, _LAT0 = 105.0, 35.0
_DEGREE: Final = np.pi / 180.0
_THIRD: Final = 2.0 / 3.0
_BLOCK: Final = 8192
# The shift is at most 0.01°: where a target is nearer to 105° E than this, Newton may step over the kink of √|x|.
_KINK: Final = 0.02
# There a round of the fixed point shrinks the error tenfold or more; 1e-12 degrees are 1e-7 m.
_MOST_ROUNDS, _TOLERANCE = 12, 1e-12


class Shift(NamedTuple):
    """Displacement at WGS-84 points in degrees, and its derivatives by longitude (``x_``) and latitude (``y_``)."""

    x: Floats
    y: Floats
    x_by_x: Floats
    x_by_y: Floats
    y_by_x: Floats
    y_by_y: Floats


def shift(lon: Floats, lat: Floats) -> Shift:
    """The displacement, whether or not the point lies in China."""
    x, y = lon - _LON0, lat - _LAT0
    h = _Harmonics(x * (np.pi / 60.0))
    v = _Harmonics(y * (np.pi / 60.0))
    root = np.sqrt(np.abs(x))
    with np.errstate(divide="ignore", invalid="ignore"):
        root_slope = np.where(x == 0.0, 0.0, 0.5 * np.sign(x) / root)
    waves = 20.0 * _THIRD * (h.s360 + h.s120)
    waves_slope = 20.0 * _THIRD * np.pi * (6.0 * h.c360 + 2.0 * h.c120)
    east = 300.0 + x + 2.0 * y + 0.1 * x * (x + y) + 0.1 * root + waves
    east += _THIRD * (20.0 * h.s60 + 40.0 * h.s20 + 150.0 * h.s5 + 300.0 * h.s2)
    east_by_x = 1.0 + 0.2 * x + 0.1 * y + 0.1 * root_slope + waves_slope
    east_by_x += _THIRD * np.pi * (20.0 * h.c60 + 40.0 / 3.0 * h.c20 + 12.5 * h.c5 + 10.0 * h.c2)
    east_by_y = 2.0 + 0.1 * x
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
    north += _THIRD * (20.0 * v.s60 + 40.0 * v.s20 + 160.0 * v.s5 + 320.0 * v.s2)
    north_by_x = 2.0 + 0.1 * y + 0.2 * root_slope + waves_slope
    north_by_y = 3.0 + 0.4 * y + 0.1 * x
    north_by_y += _THIRD * np.pi * (20.0 * v.c60 + 40.0 / 3.0 * v.c20 + 40.0 / 3.0 * v.c5 + 32.0 / 3.0 * v.c2)
    # Metres to degrees, by the radii of curvature along the parallel and along the meridian.
    phi = lat * _DEGREE
    sine, cosine = np.sin(phi), np.cos(phi)
    magic = 1.0 - _ECCENTRICITY2 * sine * sine
    parallel = _AXIS / np.sqrt(magic) * cosine
    meridian = (_AXIS * (1.0 - _ECCENTRICITY2)) / (magic * np.sqrt(magic))
    per_east, per_north = 1.0 / (parallel * _DEGREE), 1.0 / (meridian * _DEGREE)
    dx, dy = east * per_east, north * per_north
    return Shift(
        dx,
        dy,
        east_by_x * per_east,
        east_by_y * per_east + dx * (meridian / parallel * sine * _DEGREE),
        north_by_x * per_north,
        north_by_y * per_north - dy * (3.0 * _ECCENTRICITY2 * _DEGREE * sine * cosine / magic),
    )


def unshifted(lon: Floats, lat: Floats) -> Point:
    """The point whose displaced image is (lon, lat): two steps of Newton, which square the error twice (< 1e-9 m)."""
    x, y = lon, lat
    for _ in range(2):
        at = shift(x, y)
        error_x, error_y = x + at.x - lon, y + at.y - lat
        a, b, c, d = 1.0 + at.x_by_x, at.x_by_y, at.y_by_x, 1.0 + at.y_by_y
        scale = 1.0 / (a * d - b * c)
        x, y = x - scale * (d * error_x - b * error_y), y - scale * (a * error_y - c * error_x)
    kink = np.flatnonzero(np.abs(lon - _LON0) < _KINK)
    if len(kink):
        x[kink], y[kink] = _fixed_point(lon[kink], lat[kink])
    return x, y


def in_blocks(change: Callable[[Floats, Floats], Point], lon: Floats, lat: Floats) -> Point:
    """``change`` of two arrays of one shape, block by block."""
    lon, lat = np.broadcast_arrays(lon, lat)
    flat_x, flat_y = lon.ravel(), lat.ravel()
    out_x, out_y = np.empty(flat_x.size), np.empty(flat_x.size)
    for first in range(0, flat_x.size, _BLOCK):
        part = slice(first, first + _BLOCK)
        out_x[part], out_y[part] = change(flat_x[part], flat_y[part])
    return out_x.reshape(lon.shape), out_y.reshape(lon.shape)


class _Harmonics:
    """Sines and cosines of 2, 5, 20, 60, 120 and 360 times an angle, from those of the angle itself."""

    def __init__(self, angle: Floats) -> None:
        s1, c1 = np.sin(angle), np.cos(angle)
        self.s2, self.c2 = _double(s1, c1)
        s4, c4 = _double(self.s2, self.c2)
        self.s5, self.c5 = s4 * c1 + c4 * s1, c4 * c1 - s4 * s1
        self.s20, self.c20 = _double(*_double(self.s5, self.c5))
        self.s60, self.c60 = _triple(self.s20, self.c20)
        self.s120, self.c120 = _double(self.s60, self.c60)
        self.s360, self.c360 = _triple(self.s120, self.c120)


def _double(sine: Floats, cosine: Floats) -> Point:
    return 2.0 * sine * cosine, 1.0 - 2.0 * sine * sine


def _triple(sine: Floats, cosine: Floats) -> Point:
    return sine * (3.0 - 4.0 * sine * sine), cosine * (4.0 * cosine * cosine - 3.0)


def _fixed_point(lon: Floats, lat: Floats) -> Point:
    """p ← p − (image of p − target): slower than Newton, and needs no slope."""
    x, y = lon, lat
    for _ in range(_MOST_ROUNDS):
        at = shift(x, y)
        error_x, error_y = x + at.x - lon, y + at.y - lat
        if not ((np.abs(error_x) > _TOLERANCE) | (np.abs(error_y) > _TOLERANCE)).any():
            break
        x, y = x - error_x, y - error_y
    return x, y
