"""Geometry, suppression, contrast and comparison, each by its rule."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pictures import bars, geometry, marks
from pictures.pages import case_study, event_closure, freshness, grid_map, inspection_coverage, welfare_funnel
from pictures.suppression import FEW, LIMIT, conceal
from tests.unit.pictures.documents import square

COUNTS = st.dictionaries(st.text(min_size=1), st.integers(0, 60), min_size=1, max_size=7)
ALL_MARKS = {
    mark
    for group in (
        marks.COLOURS.values(), inspection_coverage.STATES, welfare_funnel.ELIGIBLE, event_closure.FATES,
        freshness.STATES, grid_map.DOUBTS.values(), (case_study.AGREES, case_study.DIFFERS, case_study.LEFT_OUT),
    )
    for mark in group
}  # fmt: skip


@given(COUNTS)
def test_no_small_number_is_shown_and_none_can_be_reckoned(parts: dict[str, int]) -> None:
    shown, whole = conceal(parts)
    assert not [number for number in (*shown.values(), whole) if isinstance(number, int) and 0 < number < LIMIT]
    if FEW.PEOPLE in shown.values():
        assert whole is FEW.WHOLE
    else:
        assert shown == parts


@given(COUNTS, st.integers(1, LIMIT - 1), st.integers(1, LIMIT - 1))
def test_a_bar_does_not_tell_a_small_number_by_its_length(parts: dict[str, int], one: int, other: int) -> None:
    def drawn(number: int) -> Any:
        shown, _ = conceal({**parts, "few": number})
        row = bars.Row("row", [(marks.UNKNOWN, value) for value in shown.values()])
        return bars.stacked([row], [], "words").values["rows"]

    assert drawn(one) == drawn(other)


@given(st.lists(st.tuples(st.integers(0, 10**6) | st.just(FEW.PEOPLE), st.just(marks.UNKNOWN)), max_size=7))
def test_a_bar_never_leaves_its_room(parts: list[Any]) -> None:
    row = bars.Row("row", [(mark, number) for number, mark in parts])
    for part in bars.stacked([row], [], "words").values["rows"][0]["segments"]:
        assert part["x"] >= bars.LABELS and part["x"] + part["width"] <= bars.LABELS + bars.BARS + 1


@given(
    st.floats(100, 130), st.floats(20, 50), st.integers(3, 12), st.floats(0.001, 0.05), st.floats(0.001, 0.05),
)  # fmt: skip
def test_a_label_stands_inside_its_grid(x: float, y: float, corners: int, wide: float, high: float) -> None:
    """Star-shaped borders with bays: shapely knows whether the point is inside."""
    import shapely

    turns = [2 * math.pi * step / (2 * corners) for step in range(2 * corners)]
    reach = [1.0 if step % 2 else 0.45 for step in range(2 * corners)]
    ring = [(x + wide * r * math.cos(t), y + high * r * math.sin(t)) for t, r in zip(turns, reach, strict=True)]
    border = json.dumps({"type": "Polygon", "coordinates": [[*ring, ring[0]]]})
    rings = geometry.rings(border)
    paper = geometry.Paper.around(point for ring in rings for point in ring)
    placed = [[paper.place(point) for point in ring] for ring in rings]
    assert shapely.Polygon(placed[0]).buffer(0.5).contains(shapely.Point(geometry.label_point(placed)))
    assert all(0 <= px <= paper.width and 0 <= py <= paper.height for ring in placed for px, py in ring)


def test_north_is_up_and_east_is_right() -> None:
    paper = geometry.Paper.around([(120.0, 30.0), (120.1, 30.1)])
    (left, low), (right, high) = paper.place((120.0, 30.0)), paper.place((120.1, 30.1))
    assert left < right and high < low
    assert (right - left) / (low - high) == pytest.approx(math.cos(math.radians(30.05)), rel=0.01)


@pytest.mark.parametrize(
    "border", [None, "", "{", "null", "[]", '{"type": "Point", "coordinates": [1, 2]}',
               '{"type": "Polygon", "coordinates": [[[1, 2]]]}', '{"type": "Polygon", "coordinates": [[["a", "b"]]]}',
               '{"type": "Polygon", "coordinates": 3}'],
)  # fmt: skip
def test_what_is_no_border_is_none(border: str | None) -> None:
    assert geometry.rings(border) == []


def test_several_areas_and_holes_are_read() -> None:
    both = [json.loads(square(1, 1))["coordinates"], json.loads(square(2, 2))["coordinates"]]
    assert len(geometry.rings(json.dumps({"type": "MultiPolygon", "coordinates": both}))) == 2


@pytest.mark.parametrize("mark", sorted(ALL_MARKS, key=str), ids=lambda mark: mark.key)
def test_ink_is_readable_and_colour_never_alone(mark: marks.Mark) -> None:
    """Contrast of 4.5 (WCAG 2.2 AA), a letter or a texture, and names in both languages."""
    bright, dark = sorted((_luminance(mark.fill), _luminance(mark.ink)), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 4.5
    assert mark.letter or mark.texture != "plain"
    assert mark.chinese and mark.english


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _figure(code: str, low: float, high: float, value: float | None, **more: Any) -> dict[str, Any]:
    return {
        "figure_code": code, "stated_low": low, "stated_high": high, "hub_value": value, "scale_free": False,
        "state": "counted" if value is not None else "unknown", "reason": "why", "note": None,
        "ratio": None if value is None else value / ((low + high) / 2), **more,
    }  # fmt: skip


def test_figures_are_compared_at_the_size_of_the_town() -> None:
    size = case_study.town_size([_figure("residents", 330000, 330000, 33000)])
    assert size == pytest.approx(0.1)
    assert case_study.compare(_figure("events", 20000, 20000, 2000), size)[1] is case_study.AGREES
    assert case_study.compare(_figure("events", 20000, 20000, 20000), size)[:2] == (
        pytest.approx(10),
        case_study.DIFFERS,
    )
    assert case_study.compare(_figure("x", 2, 3, 2.4, scale_free=True), size)[1] is case_study.AGREES
    assert case_study.compare(_figure("x", 2, 3, 9, scale_free=True), None)[1] is case_study.DIFFERS


def test_what_is_unknown_or_has_no_scale_is_never_called_equal() -> None:
    assert case_study.town_size([_figure("residents", 330000, 330000, None)]) is None
    assert case_study.compare(_figure("events", 20000, 20000, 20000), None)[:2] == (None, case_study.LEFT_OUT)
    assert case_study.compare(_figure("events", 20000, 20000, None), 0.1) == (None, marks.UNKNOWN, "why")
    left_out = _figure("party", 43, 43, None, state="not_permitted")
    assert case_study.compare(left_out, 0.1)[1] is case_study.LEFT_OUT
