"""Areas of one day neither overlap nor leave gaps: what no rule for one row can see.

Every stream with borders (`geo.polygon`) is a mosaic. Borders that are in force on a common day (columns `valid_from`
and `valid_to`, where there are any) must not overlap; the areas in force without end must leave no hole between them.
Metres are those of a flat map at the areas' own latitude, which is exact enough for a town.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import psycopg
import shapely
from psycopg import sql

from connectors.contract import Stream
from quality.checks import CURRENT, Version
from quality.results import CheckResult

TOLERATED_M2 = 200.0
"""A border that two hands drew differs by a metre along some hundred metres."""
METRES_PER_DEGREE = 111_320.0

Border = tuple[str, date, date]
"""(GeoJSON, first day, last day)."""


def check_stream(conn: psycopg.Connection, stream: Stream, version: Version = CURRENT) -> list[CheckResult]:
    """Whether the landed borders of a stream fit together; nothing for a stream without borders. Counts only.

    A misfit is told and blocks nothing: what is counted by area is counted by the areas' codes.
    """
    column = next((column.name for column in stream.columns if column.semantic_type == "geo.polygon"), None)
    if column is None:
        return []
    names = {column.name for column in stream.columns}
    days = [sql.Identifier(name) if name in names else sql.SQL("NULL::date") for name in ("valid_from", "valid_to")]
    borders: list[Border] = conn.execute(
        sql.SQL("SELECT {}, coalesce({}, %s), coalesce({}, %s) FROM {} WHERE {}").format(
            sql.Identifier(column),
            *days,
            sql.Identifier(stream.landing_schema, stream.landing_table),
            sql.SQL(version.condition),
        ),
        [date.min, date.max],
    ).fetchall()
    if not borders:
        return []
    return [
        CheckResult(
            f"map.{stream.system}.{stream.name}.{name}",
            passed=not areas,
            rows_checked=len(borders),
            observed={"count": len(areas), "largest_m2": round(max(areas, default=0.0))},
            severity="warn",
        )
        for name, areas in (("overlaps", overlaps(borders)), ("gaps", gaps(borders)))
    ]


def overlaps(borders: Sequence[Border]) -> list[float]:
    """Areas (m²) in which two borders of a common day overlap by more than is tolerated."""
    shapes = _on_a_plane(borders)
    first = np.array([border[1].toordinal() for border in borders])
    last = np.array([border[2].toordinal() for border in borders])
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    both = (one < other) & (first[one] <= last[other]) & (first[other] <= last[one])
    areas = shapely.area(shapely.intersection(shapes[one[both]], shapes[other[both]]))
    return [float(area) for area in areas if area > TOLERATED_M2]


def gaps(borders: Sequence[Border]) -> list[float]:
    """Areas (m²) of the holes, larger than is tolerated, between the borders that have no last day."""
    open_ended = [border for border in borders if border[2] == date.max]
    if not open_ended:
        return []
    whole = shapely.unary_union(_on_a_plane(open_ended), grid_size=0.1)
    rings = [ring for part in shapely.get_parts(whole) for ring in part.interiors]
    # In the hole that a shrunken area leaves, the area itself is no part of the gap.
    areas = [float(shapely.Polygon(ring).difference(whole).area) for ring in rings]
    return [area for area in areas if area > TOLERATED_M2]


def _on_a_plane(borders: Sequence[Border]) -> Any:
    """Shapes in metres."""
    shapes = shapely.from_geojson([border[0] for border in borders])
    latitude = float(np.mean(shapely.get_coordinates(shapes)[:, 1]))
    metres = np.array([METRES_PER_DEGREE * math.cos(math.radians(latitude)), METRES_PER_DEGREE])
    return shapely.transform(shapes, lambda degrees: degrees * metres)
