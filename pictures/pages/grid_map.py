"""五色图: the grids of the town in the colours of their risk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pictures import geometry, marks
from pictures.content import Content, Figure, Picture, Table, nothing_yet
from pictures.marks import Mark
from pictures.reading import Moment

QUERY = """
SELECT jsonb_build_object(
    'releases', (SELECT jsonb_agg(r) FROM serving.release_info r WHERE family = 'safety'),
    'grids', (SELECT jsonb_agg(g ORDER BY grid_code) FROM serving.grid_risk g)
)"""

DOUBTS = {
    "low": Mark(
        "low", "低可信", "low confidence: less than half of the premises known", "#5f5f5f", "#ffffff", "stripes"
    ),
    "medium": Mark("medium", "中可信", "middle confidence: less than four fifths", "#5f5f5f", "#ffffff", "dots"),
}
"""Confidence below high is drawn into the colour: what few known premises say is less sure."""


def compose(document: Mapping[str, Any], moment: Moment) -> Content:
    found = document.get("grids") or []
    if not found:
        return nothing_yet("the risk of the grids")
    grids = sorted(found, key=_worst_first)
    counts = {key: sum(marks.colour(grid["colour"]).key == key for grid in grids) for key in marks.COLOURS}
    told = ", ".join(f"{number} {key}" for key, number in counts.items() if number)
    drawable = [(grid, rings) for grid in grids if (rings := geometry.rings(grid["border"]))]
    missing = len(grids) - len(drawable)
    notes = [
        "A grid has the mean score of its premises whose colour is known, drawn towards the town's mean where they are "
        "few; fewer than five known premises leave it grey. Grey is no good news: nobody knows.",
    ]
    if missing:
        who = "1 grid has" if missing == 1 else f"{missing} grids have"
        notes.insert(0, f"{who} no border in this release, and no place on the map: see the table.")
    return Content(
        headline=f"{len(grids)} grids: {told}.",
        figures=[_map(drawable, counts)] if drawable else [],
        tables=[_table(grids)],
        notes=notes,
        rows=len(grids),
    )


def _worst_first(grid: Mapping[str, Any]) -> tuple[int, float, str]:
    key = marks.colour(grid["colour"]).key
    return list(marks.COLOURS).index(key), 0 if key == "grey" else -(grid["shrunk_score"] or 0), grid["grid_code"]


def _score(grid: Mapping[str, Any]) -> str | None:
    """The score behind a colour; the few premises of a grey grid make none."""
    if marks.colour(grid["colour"]).key == "grey" or grid["shrunk_score"] is None:
        return None
    return f"{grid['shrunk_score']:.1f}"


def _doubt(confidence: str | None) -> str:
    return DOUBTS[confidence].texture if confidence in DOUBTS else ""


def _map(drawable: list[tuple[Any, list[geometry.Ring]]], counts: Mapping[str, int]) -> Figure:
    paper = geometry.Paper.around(point for _, rings in drawable for ring in rings for point in ring)
    shapes = []
    for grid, rings in drawable:
        placed = [[paper.place(point) for point in ring] for ring in rings]
        x, y = geometry.label_point(placed)
        mark = marks.colour(grid["colour"])
        shapes.append(
            {
                "path": geometry.path(placed), "x": x, "y": y, "mark": mark,
                "texture": mark.texture if mark.texture != "plain" else _doubt(grid["confidence"]),
                "told": f"{grid['name'] or grid['grid_code']} · {grid['community_name'] or grid['community_code']} · "
                f"{mark.chinese} {grid['reason']}",
            }
        )  # fmt: skip
    legend = [
        Mark(m.key, m.chinese, f"{m.english} ({counts[m.key]})", m.fill, m.ink, m.texture, m.letter)
        for m in marks.COLOURS.values()
    ]
    legend += DOUBTS.values()
    words = "Map of the town's grids, coloured by risk: " + ", ".join(f"{n} {key}" for key, n in counts.items())
    return Figure(
        "map.svg", words, {"grids": shapes, "width": paper.width, "height": paper.height, "marks": legend}
    )  # fmt: skip


def _table(grids: list[Any]) -> Table:
    rows = [
        (
            f"{grid['name'] or '–'} ({grid['grid_code']})",
            grid["community_name"] or grid["community_code"],
            marks.colour(grid["colour"]),
            _score(grid),
            f"{grid['scored_count']} / {grid['premises_count']}",
            grid["red_count"], grid["yellow_count"], grid["green_count"], grid["grey_count"], grid["rows_held"],
        )
        for grid in grids
    ]  # fmt: skip
    columns = (
        "网格 grid", "社区 community", "颜色 colour", "分 score", "已知/全部 premises known of all", "红 red",
        "黄 yellow", "绿 green", "灰 grey", "待处理 rows that wait",
    )  # fmt: skip
    return Table("各网格 The grids, worst first", columns, rows, frozenset(columns[3:]))


PICTURE = Picture(
    name="grid_map",
    chinese="五色图",
    english="Five-colour map of the grids",
    purpose="Where the risk of coded premises lies, grid by grid. For 镇平安办, to decide where to look first.",
    app="safety",
    families=("safety",),
    query=QUERY,
    compose=compose,
)
