"""Borders in degrees to paths on paper: plain plane geometry, exact enough for a town."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]
Ring = list[Point]


def rings(border: str | None) -> list[Ring]:
    """All rings of a GeoJSON Polygon or MultiPolygon, holes among them; none for what cannot be read."""
    try:
        shape = json.loads(border or "null")
        areas = {"Polygon": [shape["coordinates"]], "MultiPolygon": shape["coordinates"]}[shape["type"]]
        found = [[(float(x), float(y)) for x, y, *_ in ring] for area in areas for ring in area]
    except (ValueError, KeyError, TypeError):
        return []
    return [ring for ring in found if len(ring) > 3 and all(math.isfinite(x + y) for x, y in ring)]


@dataclass(frozen=True)
class Paper:
    """Degrees to pixels: north is up, and a degree of longitude is as much shorter as the town lies north."""

    west: float
    north: float
    stretch: float
    scale: float
    margin: float
    width: float
    height: float

    @classmethod
    def around(cls, points: Iterable[Point], width: float = 960.0, margin: float = 12.0) -> Paper:
        """Paper on which all points have room. Raises ValueError for none."""
        xs, ys = zip(*points, strict=True)
        stretch = math.cos(math.radians((min(ys) + max(ys)) / 2))
        across = max((max(xs) - min(xs)) * stretch, 1e-9)
        scale = (width - 2 * margin) / across
        height = (max(ys) - min(ys)) * scale + 2 * margin
        return cls(min(xs), max(ys), stretch, scale, margin, width, round(height, 1))

    def place(self, point: Point) -> Point:
        x, y = point
        return (
            round(self.margin + (x - self.west) * self.stretch * self.scale, 1),
            round(self.margin + (self.north - y) * self.scale, 1),
        )


def path(placed: Sequence[Ring]) -> str:
    """The `d` of an SVG path with these rings."""
    return "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in ring[:-1]) + "Z" for ring in placed)


def label_point(placed: Sequence[Ring]) -> Point:
    """A point inside: the middle of the longest stretch at the height of the largest ring's centre of area."""
    outer = max(placed, key=lambda ring: abs(_area(ring)))
    height = _centre_height(outer)
    crossings = sorted(
        ax + (height - ay) * (bx - ax) / (by - ay)
        for ring in placed
        for (ax, ay), (bx, by) in pairwise(ring)
        if (ay > height) != (by > height)
    )
    spans = list(zip(crossings[::2], crossings[1::2], strict=False))
    if not spans:
        return outer[0]
    begin, end = max(spans, key=lambda span: span[1] - span[0])
    return round((begin + end) / 2, 1), round(height, 1)


def _area(ring: Ring) -> float:
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairwise(ring)) / 2


def _centre_height(ring: Ring) -> float:
    area = _area(ring)
    if abs(area) < 1e-9:
        return sum(y for _, y in ring) / len(ring)
    moment = sum((ay + by) * (ax * by - bx * ay) for (ax, ay), (bx, by) in pairwise(ring))
    return moment / (6 * area)
