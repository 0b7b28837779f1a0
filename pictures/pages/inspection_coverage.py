"""巡查覆盖: which premises were looked at as often as was promised, and which were not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pictures import bars, marks
from pictures.content import Content, Picture, Table, nothing_yet, share
from pictures.marks import Mark
from pictures.reading import Moment, counted

QUERY = """
WITH plan AS (
    SELECT p.category, p.colour, p.state, p.community_code, p.drawn, p.last_inspected_on IS NULL AS never,
        p.last_inspected_on > r.as_of - 31 AS in_month
    FROM serving.inspection_plan p CROSS JOIN (SELECT as_of FROM serving.release_info WHERE family = 'safety') r
), grouped AS (
    SELECT GROUPING(category, colour, community_code) AS level, category, colour, community_code, state,
        count(*) AS n, count(*) FILTER (WHERE never) AS never, count(*) FILTER (WHERE in_month) AS in_month,
        count(*) FILTER (WHERE drawn) AS drawn
    FROM plan GROUP BY GROUPING SETS ((category, state), (colour, state), (community_code, state))
)
SELECT jsonb_build_object(
    'releases', (SELECT jsonb_agg(r) FROM serving.release_info r WHERE family = 'safety'),
    'categories', (SELECT jsonb_agg(g) FROM grouped g WHERE level = 3),
    'colours', (SELECT jsonb_agg(g) FROM grouped g WHERE level = 5),
    'communities', (SELECT jsonb_agg(g) FROM grouped g WHERE level = 6),
    'names', (SELECT jsonb_object_agg(community_code, community_name) FROM
        (SELECT DISTINCT community_code, community_name FROM serving.grid_risk WHERE community_code IS NOT NULL) c)
)"""

STATES = (
    Mark("later", "按期", "in time", marks.GOOD, marks.WHITE, letter="✓"),
    Mark("due", "到期", "due now", marks.WARN, marks.BLACK, "dots", "•"),
    Mark("overdue", "逾期", "overdue", marks.BAD, marks.WHITE, "stripes", "!"),
    marks.UNKNOWN,
)
CATEGORIES = {
    "street_shop": "沿街店铺 street shops",
    "key_security": "重点治安场所 security venues",
    "rental_housing": "出租房 rental housing",
    "hazmat_producer": "危化品生产企业 hazardous goods",
    "labour_intensive": "劳动密集型企业 labour-intensive",
    "construction_site": "建筑工地 construction sites",
    "crowded_place": "人流密集场所 crowded places",
    "general_enterprise": "一般企业 other enterprises",
}
CADENCE = {"red": "每日 every day", "yellow": "每周 every week", "green": "每月 every month", "grey": "立即 at once"}


def compose(document: Mapping[str, Any], moment: Moment) -> Content:
    categories = document.get("categories") or []
    states = counted(categories, "state")
    total = sum(states.values())
    if not total:
        return nothing_yet("the plan of inspections")
    grey = sum(row["n"] for row in document.get("colours") or [] if marks.colour(row["colour"]).key == "grey")
    in_month, never, drawn = (sum(row[name] for row in categories) for name in ("in_month", "never", "drawn"))
    rows = [_row("全镇 the whole town", categories)]
    rows += [_row(CATEGORIES.get(str(key), str(key)), group) for key, group in _groups(categories, "category")]
    headline = (
        f"Of {total:,} coded premises {share(in_month, total)} were visited in the last 31 days, as is promised for "
        f"every one of them; {states.get('overdue', 0):,} are overdue, {states.get('unknown', 0):,} cannot be planned, "
        f"and of {grey:,} nobody knows the colour."
    )
    return Content(
        headline=headline,
        figures=[bars.stacked(rows, STATES, f"Inspections by category. {headline}", caption="按场所类别 By category")],
        tables=[
            _table("按颜色 By colour, which sets the cadence", "颜色 colour", document.get("colours") or [], "colour"),
            _table("按社区 By community", "社区 community", _named(document), "community_code"),
        ],
        notes=[
            "The cadence is that of the colour: red every day, yellow every week, green every month; grey at once, for "
            "nobody knows. In time: the next visit lies ahead. Overdue: its day has passed.",
            f"{never:,} premises were never visited. {drawn:,} are in this month's random slice, whatever their "
            "colour: they measure the risk that nobody looks for.",
            "A plan is unknown where visits or the colour's inputs cannot be used; it is never counted as in time.",
        ],
        rows=sum(len(document.get(part) or ()) for part in ("categories", "colours", "communities")),
    )


def _groups(rows: Iterable[Mapping[str, Any]], name: str) -> list[tuple[Any, list[Mapping[str, Any]]]]:
    """The rows by a column, the largest group first."""
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row[name] or "unknown", []).append(row)
    return sorted(groups.items(), key=lambda item: -sum(row["n"] for row in item[1]))


def _parts(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    parts = dict.fromkeys((mark.key for mark in STATES), 0)
    for row in rows:
        parts[marks.of(STATES, row["state"]).key] += row["n"]
    return parts


def _row(label: str, rows: list[Mapping[str, Any]]) -> bars.Row:
    parts = _parts(rows)
    whole = sum(parts.values())
    return bars.Row(
        label, [(mark, parts[mark.key]) for mark in STATES], f"{share(parts['later'], whole)} of {whole:,}"
    )  # fmt: skip


def _named(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = document.get("names") or {}
    return [
        {**row, "community_code": names.get(row["community_code"]) or row["community_code"]}
        for row in document.get("communities") or []
    ]


def _table(caption: str, heading: str, rows: list[Any], name: str) -> Table:
    made = []
    for key, group in _groups(rows, name):
        parts, whole = _parts(group), sum(row["n"] for row in group)
        made.append(
            (
                marks.colour(key) if name == "colour" else str(key),
                *([CADENCE.get(str(key), "未知 unknown")] if name == "colour" else []),
                whole, parts["later"], parts["due"], parts["overdue"], parts["unknown"],
                sum(row["never"] for row in group), share(sum(row["in_month"] for row in group), whole),
            )
        )  # fmt: skip
    counts = (
        "场所 premises", "按期 in time", "到期 due", "逾期 overdue", "未知 unknown", "从未巡查 never visited",
        "月内巡查 visited in 31 days",
    )  # fmt: skip
    first = (heading, "频次 cadence") if name == "colour" else (heading,)
    return Table(caption, (*first, *counts), made, frozenset(counts))


PICTURE = Picture(
    name="inspection_coverage",
    chinese="巡查覆盖",
    english="Inspection coverage",
    purpose="How far inspections keep the promised cadence. For 镇平安办, to send people where nobody has been.",
    app="safety",
    families=("safety",),
    query=QUERY,
    compose=compose,
)
