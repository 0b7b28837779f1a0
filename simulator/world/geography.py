"""The town's ground: one polygon, cut without gaps into 125 grids, each of which belongs to one of 43 communities.

Grids are Voronoi cells of relaxed random points, computed on a flat plane in metres, so the grid of any
place is that of the nearest cell centre (``Ground.grid_of``): no polygon test is needed for a quarter of a
million addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

import numpy as np
import polars as pl
import shapely
import shapely.affinity
from shapely.geometry.base import BaseGeometry

from simulator.world.calibration import COMMUNITIES, GRIDS, TOWN_AREA_KM2, TOWN_CODE
from simulator.world.columns import Bools, Floats, Ints, stream

WEST, EAST, SOUTH, NORTH = 120.08, 120.14, 30.28, 30.35
CENTRE_LON, CENTRE_LAT = (WEST + EAST) / 2, (SOUTH + NORTH) / 2
METRES_PER_LAT = 110_850.0
METRES_PER_LON = 111_320.0 * float(np.cos(np.radians(CENTRE_LAT)))
SURVEYED = datetime(2025, 3, 31, 10, 0, 0)

_FIRST = "清竹云松梅兰荷枫柳桃桂杏棠樟梧桐星月晨晓新和安永金银玉瑞福祥东西南北春秋"
_SECOND = "溪湾桥塘浦畈坞岭园庭苑里荡泽渡"


def plane(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """WGS-84 degrees → metres from the town's centre (flat; good to about a metre over the town)."""
    return (lon - CENTRE_LON) * METRES_PER_LON, (lat - CENTRE_LAT) * METRES_PER_LAT


def degrees(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Metres from the town's centre → WGS-84 degrees, rounded to 7 places (about a centimetre)."""
    return np.round(x / METRES_PER_LON + CENTRE_LON, 7), np.round(y / METRES_PER_LAT + CENTRE_LAT, 7)


@dataclass(frozen=True)
class Ground:
    """Geometry in metres: the town, its grids' centres and each grid's community (ids start at 1)."""

    town: BaseGeometry
    cells: tuple[BaseGeometry, ...]
    centres: Floats
    community: Ints
    names: tuple[str, ...]

    def grid_of(self, lon: Floats, lat: Floats) -> Ints:
        """grid_id of each place."""
        x, y = plane(np.asarray(lon, float), np.asarray(lat, float))
        found = np.empty(len(x), np.int64)
        for start in range(0, len(x), 20_000):  # 20,000 × 125 distances at a time keep memory flat
            part = slice(start, start + 20_000)
            square = (x[part, None] - self.centres[:, 0]) ** 2 + (y[part, None] - self.centres[:, 1]) ** 2
            found[part] = square.argmin(axis=1) + 1
        return found

    def community_of(self, grid_id: Ints) -> Ints:
        return self.community[np.asarray(grid_id) - 1]

    def inside(self, lon: Floats, lat: Floats) -> Bools:
        found: Bools = shapely.contains_xy(self.town, *plane(np.asarray(lon, float), np.asarray(lat, float)))
        return found

    def places(self, rng: np.random.Generator, size: int) -> tuple[Floats, Floats]:
        """Uniformly random places (lon, lat) inside the town."""
        west, south, east, north = self.town.bounds
        shapely.prepare(self.town)
        x, y = np.empty(0), np.empty(0)
        while len(x) < size:
            more_x, more_y = rng.uniform(west, east, size + 50), rng.uniform(south, north, size + 50)
            ok = shapely.contains_xy(self.town, more_x, more_y)
            x, y = np.concatenate([x, more_x[ok]]), np.concatenate([y, more_y[ok]])
        return degrees(x[:size], y[:size])


@lru_cache(maxsize=4)
def ground(seed: int) -> Ground:
    """The ground of the town with this seed."""
    rng = stream(seed, date(2000, 1, 1), "geography")
    town = _town(rng)
    points = _relaxed_points(rng, town)
    cells = _cells(points, town)
    community = _communities(points, cells)
    pairs = [a + b for a in _FIRST for b in _SECOND]
    names = tuple(f"{pairs[i]}社区" for i in rng.permutation(len(pairs))[:COMMUNITIES])
    return Ground(town, tuple(cells), points, community, names)


def tables(land: Ground) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The frames ``communities`` and ``grids``."""
    cells = [_to_degrees(cell) for cell in land.cells]
    number = np.zeros(GRIDS, np.int64)
    for community in range(1, COMMUNITIES + 1):
        members = np.flatnonzero(land.community == community)
        number[members] = np.arange(1, len(members) + 1)
    community_codes = [f"{TOWN_CODE}{i:03d}" for i in range(1, COMMUNITIES + 1)]
    lon, lat = degrees(land.centres[:, 0], land.centres[:, 1])
    grids = pl.DataFrame(
        {
            "grid_id": np.arange(1, GRIDS + 1),
            "code": [f"{community_codes[c - 1]}{n:03d}" for c, n in zip(land.community, number, strict=True)],
            "community_id": land.community,
            "name": [f"{land.names[c - 1]}第{n}网格" for c, n in zip(land.community, number, strict=True)],
            "polygon": [shapely.to_wkt(cell, rounding_precision=7) for cell in cells],
            "lon": lon,
            "lat": lat,
        }
    ).with_columns(updated_at=pl.lit(SURVEYED, pl.Datetime("us")))
    outlines = [
        shapely.unary_union([cells[i] for i in np.flatnonzero(land.community == c)]) for c in range(1, COMMUNITIES + 1)
    ]
    communities = pl.DataFrame(
        {
            "community_id": np.arange(1, COMMUNITIES + 1),
            "code": community_codes,
            "name": list(land.names),
            "polygon": [shapely.to_wkt(outline, rounding_precision=7) for outline in outlines],
        }
    ).with_columns(updated_at=pl.lit(SURVEYED, pl.Datetime("us")))
    return communities, grids


def _town(rng: np.random.Generator) -> BaseGeometry:
    """A lopsided outline of 38 km² that stays inside the bounding box."""
    half_x, half_y = (EAST - WEST) / 2 * METRES_PER_LON, (NORTH - SOUTH) / 2 * METRES_PER_LAT
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    power = 2 / 4.2  # a super-ellipse fills the box better than an ellipse
    x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power * half_x
    y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power * half_y
    jitter = rng.uniform(0.95, 1.0, len(angle))
    outline = shapely.Polygon(np.column_stack([x * jitter, y * jitter]))
    factor = min(1.0, float(np.sqrt(TOWN_AREA_KM2 * 1e6 / outline.area)))
    return shapely.affinity.scale(outline, factor, factor, origin=(0, 0))


def _relaxed_points(rng: np.random.Generator, town: BaseGeometry) -> Floats:
    west, south, east, north = town.bounds
    points = np.empty((0, 2))
    while len(points) < GRIDS:
        more = rng.uniform((west, south), (east, north), (GRIDS * 2, 2))
        points = np.concatenate([points, more[shapely.contains_xy(town, more[:, 0], more[:, 1])]])
    points = points[:GRIDS]
    for _ in range(3):  # Lloyd's relaxation: no slivers
        centroids = shapely.centroid(np.array(_cells(points, town)))
        points = np.column_stack([shapely.get_x(centroids), shapely.get_y(centroids)])
    return np.round(points, 3)


def _cells(points: Floats, town: BaseGeometry) -> list[BaseGeometry]:
    """The Voronoi cell of each point, clipped to the town, in the points' order."""
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(points), extend_to=town.buffer(1000)))
    tree = shapely.STRtree(cells)
    cell_index = np.empty(len(points), np.int64)
    pairs = tree.query(shapely.points(points), predicate="within")
    cell_index[pairs[0]] = pairs[1]
    return [shapely.intersection(cells[i], town) for i in cell_index]


def _communities(points: Floats, cells: list[BaseGeometry]) -> Ints:
    """Split the grids into connected neighbourhoods of two to four by cutting the town again and again."""
    near = _neighbours(cells)
    community = np.zeros(len(points), np.int64)
    stack = [(np.arange(len(points)), COMMUNITIES)]
    following = 1
    while stack:
        members, parts = stack.pop()
        if parts == 1:
            community[members] = following
            following += 1
            continue
        left = parts // 2
        middle = round(len(members) * left / parts)
        spread = np.ptp(points[members], axis=0)
        # the direction across the longer side first; another one when a half would fall apart
        first = 0.0 if spread[0] >= spread[1] else np.pi / 2
        for turn in np.linspace(0, np.pi, 12, endpoint=False):
            along = points[members] @ np.array([np.cos(first + turn), np.sin(first + turn)])
            ordered = members[np.argsort(along, kind="stable")]
            halves = ordered[:middle], ordered[middle:]
            if all(_connected(near, half) for half in halves):
                break
        stack += [(halves[1], parts - left), (halves[0], left)]
    return community


def _neighbours(cells: list[BaseGeometry]) -> Bools:
    """Which grids share a border of more than a metre."""
    shapes = np.array(cells)
    near = np.zeros((len(cells), len(cells)), bool)
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    border = shapely.length(shapely.intersection(shapes[left], shapes[right], grid_size=0.01))
    near[left, right] = border > 1
    return near


def _connected(near: Bools, members: Ints) -> bool:
    part = near[np.ix_(members, members)]
    reached = np.zeros(len(members), bool)
    reached[0] = True
    for _ in members:
        reached |= part[reached].any(axis=0)
    return bool(reached.all())


def _to_degrees(shape: BaseGeometry) -> BaseGeometry:
    return shapely.transform(shape, lambda xy: np.column_stack(degrees(xy[:, 0], xy[:, 1])))
