"""Borders that overlap or leave gaps, on a map of squares of 100 metres."""

from __future__ import annotations

import json
from datetime import date

import pytest

from quality import mosaic
from quality.mosaic import METRES_PER_DEGREE, Border

SIDE = 100 / METRES_PER_DEGREE
ALWAYS = (date.min, date.max)


def square(column: float, row: float, size: float = 1.0, days: tuple[date, date] = ALWAYS) -> Border:
    """On the equator, where a degree is a degree."""
    west, south = column * SIDE, row * SIDE
    east, north = west + size * SIDE, south + size * SIDE
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return json.dumps({"type": "Polygon", "coordinates": [ring]}), *days


NINE = [square(column, row) for column in range(3) for row in range(3)]


def test_areas_that_share_borders_fit() -> None:
    assert mosaic.overlaps(NINE) == [] and mosaic.gaps(NINE) == []


def test_an_area_over_its_neighbours_overlaps_them() -> None:
    found = mosaic.overlaps([*NINE, square(0.5, 0.5, 0.5)])
    assert found == pytest.approx([2500.0], rel=0.01)


def test_a_metre_along_the_border_is_tolerated() -> None:
    assert mosaic.overlaps([square(0, 0), square(0.99, 0)]) == []
    assert len(mosaic.overlaps([square(0, 0), square(0.95, 0)])) == 1


def test_a_missing_area_is_a_gap_and_a_slip_is_none() -> None:
    assert mosaic.gaps([area for number, area in enumerate(NINE) if number != 4]) == pytest.approx([10_000.0], rel=0.01)
    assert mosaic.gaps([*NINE[:4], square(1.005, 1.005, 0.99), *NINE[5:]]) == [], "199 m² of it"
    shrunk = mosaic.gaps([*NINE[:4], square(1.05, 1.05, 0.9), *NINE[5:]])
    assert shrunk == pytest.approx([1_900.0], rel=0.01)


def test_borders_of_different_days_are_of_different_maps() -> None:
    before, after = (date(2021, 9, 1), date(2025, 3, 30)), (date(2025, 3, 31), date.max)
    assert mosaic.overlaps([square(0, 0, days=before), square(0.3, 0, days=after)]) == []
    touching = (date(2021, 9, 1), date(2025, 3, 31))
    assert len(mosaic.overlaps([square(0, 0, days=touching), square(0.3, 0, days=after)])) == 1
    ended = [area for number, area in enumerate(NINE) if number != 4] + [square(1, 1, days=before)]
    assert len(mosaic.gaps(ended)) == 1
