"""Points on one datum: exchanged axes corrected, what is no place in the region withheld with its reason."""

from __future__ import annotations

import polars as pl
import pytest

from connectors.contract import Column
from connectors.places import Change, place_points
from connectors.region import region

LON, LAT = 120.10, 30.31
GCJ = (120.104812, 30.307734)  # the same point as China's maps draw it; computed independently
BD = (120.111241, 30.313984)


def columns(semantic: str = "geo") -> list[Column]:
    return [
        Column(axis, axis, "number", "L3", semantic_type=f"{semantic}.{axis}", on_invalid="withhold")
        for axis in ("longitude", "latitude")
    ]


def placed(
    points: list[tuple[float | None, float | None]], crs: str = "wgs84", semantic: str = "geo"
) -> tuple[list[tuple[float | None, float | None]], Change]:
    values = {
        axis: pl.Series(axis, [point[at] for point in points], dtype=pl.Float64)
        for at, axis in enumerate(("longitude", "latitude"))
    }
    x, y = place_points(columns(semantic), values, crs)
    assert (x.column, y.column) == ("longitude", "latitude")
    assert not y.wrong and not y.corrected, "a point is one defect, counted on its longitude"
    return list(zip(x.values.to_list(), y.values.to_list(), strict=True)), x


def reasons(change: Change, row: int = 0) -> set[str]:
    return {reason for reason, rows in (change.wrong | change.corrected).items() if rows[row]}


@pytest.mark.parametrize(("crs", "served"), [("wgs84", (LON, LAT)), ("gcj02", GCJ), ("bd09", BD)])
def test_every_datum_becomes_wgs84(crs: str, served: tuple[float, float]) -> None:
    for points, change in (placed([served], crs), placed([served], "wgs84", f"geo.{crs}")):
        assert points[0] == pytest.approx((LON, LAT), abs=2e-6)
        assert reasons(change) == set()


def test_exchanged_axes_are_put_right_and_told() -> None:
    points, change = placed([(LAT, LON), (GCJ[1], GCJ[0])], "wgs84")
    assert points[0] == (LON, LAT)
    assert reasons(change) == reasons(change, 1) == {"swapped_coordinates"}


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        ((0.0, 0.0), {"zero_coordinates"}),
        ((0.0, -0.0), {"zero_coordinates"}),
        ((LON, None), {"half_coordinates"}),
        ((None, LAT), {"half_coordinates"}),
        ((116.4, 39.9), {"outside_region"}),
        ((39.9, 116.4), {"outside_region"}),
        ((LON, -LAT), {"outside_region"}),
        ((1e300, 1e300), {"outside_region"}),
        ((0.0, LAT), {"outside_region"}),
        ((None, None), set()),
    ],
)
def test_what_is_no_place_is_null_with_its_reason(point: tuple[float | None, float | None], reason: set[str]) -> None:
    points, change = placed([point, (LON, LAT)])
    assert points == [(None, None), (LON, LAT)]
    assert reasons(change) == reason
    assert reasons(change, 1) == set()


def test_the_region_is_set_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWNHUB_REGION", "116,39.5,117,40.5")
    assert region() == (116.0, 39.5, 117.0, 40.5)
    points, _ = placed([(116.4, 39.9), (LON, LAT)])
    assert points == [(116.4, 39.9), (None, None)]


def test_columns_without_a_partner_are_left_alone() -> None:
    assert list(place_points(columns()[:1], {"longitude": pl.Series([LON])}, "gcj02")) == []
