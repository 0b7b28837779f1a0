"""WGS-84, GCJ-02, BD-09: vectors computed independently, inverses, hypotheses."""

from __future__ import annotations

import numpy as np
import pytest
from shapely.geometry import box

from connectors.standards import coordinates
from connectors.standards._gcj02 import shift

LON, LAT = np.array([120.08, 120.10]), np.array([30.33, 30.31])
GCJ = np.array([120.084823, 120.104812]), np.array([30.327729, 30.307734])
BD = np.array([120.091328, 120.111241]), np.array([30.333628, 30.313984])


def test_vectors() -> None:
    np.testing.assert_allclose(coordinates.gcj02_from_wgs84(LON, LAT), GCJ, atol=6e-7)
    np.testing.assert_allclose(coordinates.bd09_from_wgs84(LON, LAT), BD, atol=6e-7)
    np.testing.assert_allclose(coordinates.bd09_from_gcj02(*GCJ), BD, atol=1.2e-6)


def test_displacement_in_the_town() -> None:
    lon, lat = (grid.ravel() for grid in np.meshgrid(np.linspace(120.08, 120.14, 40), np.linspace(30.28, 30.35, 40)))
    gcj = coordinates.distance(lon, lat, *coordinates.gcj02_from_wgs84(lon, lat))
    assert gcj.min() > 520 and gcj.max() < 530
    bd = coordinates.distance(lon, lat, *coordinates.bd09_from_wgs84(lon, lat))
    assert bd.min() > 1150 and bd.max() < 1175


@pytest.mark.parametrize("crs", ["wgs84", "cgcs2000", "gcj02", "bd09"])
def test_convert_undoes_the_shift(crs: str) -> None:
    forward = {"gcj02": coordinates.gcj02_from_wgs84, "bd09": coordinates.bd09_from_wgs84}
    served = forward[crs](LON, LAT) if crs in forward else (LON, LAT)
    assert coordinates.distance(LON, LAT, *coordinates.convert(*served, crs)).max() < 1e-6


def test_inverse_near_the_kink_at_105_east() -> None:
    lon = 105.0 + np.array([0, 1e-12, -1e-9, 1e-6, -1e-4, 0.004, -0.004, 0.01])
    lat = np.full_like(lon, 28.0)
    for forward, crs in ((coordinates.gcj02_from_wgs84, "gcj02"), (coordinates.bd09_from_wgs84, "bd09")):
        assert coordinates.distance(lon, lat, *coordinates.convert(*forward(lon, lat), crs)).max() < 1e-6


def test_inverse_is_exact_all_over_china() -> None:
    rng = np.random.default_rng(7)
    lon, lat = rng.uniform(72.1, 137.7, 20_000), rng.uniform(0.9, 55.7, 20_000)
    for forward, crs in ((coordinates.gcj02_from_wgs84, "gcj02"), (coordinates.bd09_from_wgs84, "bd09")):
        assert coordinates.distance(lon, lat, *coordinates.convert(*forward(lon, lat), crs)).max() < 1e-6


def test_slopes_are_those_of_the_shift() -> None:
    lon, lat = np.array([120.1, 104.0, 75.5, 130.2]), np.array([30.3, 20.0, 39.0, 47.5])
    step = 1e-6
    at = shift(lon, lat)
    east, west = shift(lon + step, lat), shift(lon - step, lat)
    north, south = shift(lon, lat + step), shift(lon, lat - step)
    np.testing.assert_allclose(at.x_by_x, (east.x - west.x) / (2 * step), atol=1e-8)
    np.testing.assert_allclose(at.y_by_x, (east.y - west.y) / (2 * step), atol=1e-8)
    np.testing.assert_allclose(at.x_by_y, (north.x - south.x) / (2 * step), atol=1e-8)
    np.testing.assert_allclose(at.y_by_y, (north.y - south.y) / (2 * step), atol=1e-8)


def test_shapes_are_kept() -> None:
    lon, lat = coordinates.wgs84_from_gcj02(np.full((2, 3), 120.1), np.full((2, 3), 30.3))
    assert lon.shape == lat.shape == (2, 3)
    assert [len(axis) for axis in coordinates.wgs84_from_bd09([], [])] == [0, 0]
    many = coordinates.wgs84_from_gcj02(np.full(20_001, 120.1), 30.3)  # more than one block
    assert np.unique(many[0]).size == 1


def test_unknown_system_is_refused_with_a_remedy() -> None:
    with pytest.raises(ValueError, match="quarantine"):
        coordinates.convert(LON, LAT, "local")


def test_outside_china_nothing_shifts_and_nan_passes() -> None:
    lon, lat = coordinates.gcj02_from_wgs84([0.0, 2.35, np.nan], [0.0, 48.85, 30.0])
    assert lon[:2].tolist() == [0.0, 2.35]
    assert lat[:2].tolist() == [0.0, 48.85]
    assert np.isnan(lon[2])
    assert np.isnan(coordinates.wgs84_from_bd09(np.nan, 30.0)).any()


def test_in_china_refuses_zeros_and_swapped_pairs() -> None:
    assert coordinates.in_china([120.1, 0, 30.3, np.nan], [30.3, 0, 120.1, 30.0]).tolist() == [
        True,
        False,
        False,
        False,
    ]


def test_hypotheses_find_the_system() -> None:
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform(120.08, 120.14, 500), rng.uniform(30.28, 30.35, 500)
    bounds = (120.08, 30.28, 120.14, 30.35)
    for area in (bounds, box(*bounds)):
        shares = coordinates.crs_hypotheses(*coordinates.bd09_from_wgs84(lon, lat), area)
        assert max(shares, key=shares.__getitem__) == "bd09"
        assert shares["bd09"] == 1 > shares["gcj02"] > shares["wgs84"]
        assert coordinates.crs_hypotheses(lat, lon, area)["swapped"] == 1
    empty = coordinates.crs_hypotheses(np.array([np.nan]), np.array([np.nan]), bounds)
    assert all(np.isnan(share) for share in empty.values())
