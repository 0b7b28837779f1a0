"""事件闭环: what became of incidents, by month, kind and community."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pictures import bars, marks
from pictures.content import Content, Picture, Table, nothing_yet, share
from pictures.marks import Mark
from pictures.reading import Moment

QUERY = """
WITH told AS (
    SELECT to_char(reported_on, 'YYYY-MM') AS month, community_code, reopened, 'bulk_closed' = ANY (doubts) AS bulk,
        -- Kinds between persons have no clock in the view, and no bar of their own here.
        CASE WHEN reported_at IS NULL THEN 'between_persons' ELSE event_type END AS kind, CASE
            WHEN state = 'closed' AND closed_in_time THEN 'in_time'
            WHEN state = 'closed' AND NOT closed_in_time THEN 'late'
            WHEN state = 'closed' THEN 'unproven'
            WHEN state IN ('dismissed', 'returned') THEN 'not_taken'
            WHEN state IN ('received', 'accepted', 'dispatched', 'handled') AND overdue THEN 'overdue'
            WHEN state IN ('received', 'accepted', 'dispatched', 'handled') AND NOT overdue THEN 'open'
            ELSE 'unknown' END AS fate
    FROM serving.event
), grouped AS (
    SELECT GROUPING(month, kind, community_code) AS level, month, kind, community_code, fate, count(*) AS n,
        count(*) FILTER (WHERE reopened) AS reopened, count(*) FILTER (WHERE bulk) AS bulk
    FROM told GROUP BY GROUPING SETS ((month, fate), (kind, fate), (community_code, fate))
)
SELECT jsonb_build_object(
    'releases', (SELECT jsonb_agg(r) FROM serving.release_info r WHERE family = 'enforcement'),
    'months', (SELECT jsonb_agg(g) FROM grouped g WHERE level = 3),
    'kinds', (SELECT jsonb_agg(g) FROM grouped g WHERE level = 5),
    'communities', (SELECT jsonb_agg(g) FROM grouped g WHERE level = 6)
)"""

FATES = (
    Mark("in_time", "按期办结", "closed in time", marks.GOOD, marks.WHITE, letter="✓"),
    Mark("late", "逾期办结", "closed late", marks.WELL, marks.BLACK, "dots", "✓"),
    Mark("unproven", "办结存疑", "closed, in a way that proves nothing", "#b9c4cc", marks.BLACK, "stripes", "~"),
    Mark("open", "在办", "open, in time", marks.CALM, marks.WHITE, letter="…"),
    Mark("overdue", "逾期未结", "open, overdue", marks.BAD, marks.WHITE, "stripes", "!"),
    Mark("not_taken", "不予受理", "false alarm, or not for the town", marks.PALE, marks.BLACK, "plain", "–"),
    marks.UNKNOWN,
)
KINDS = {
    "between_persons": "人际类 between persons", "traffic": "交通事故 traffic accident", "fire": "火灾 fire",
    "gas": "燃气泄漏 gas leak", "sanitation": "环境卫生 sanitation", "illegal_parking": "违章停车 illegal parking",
    "shop_occupying_road": "出店经营 shop on the road", "facility_damage": "公共设施损坏 broken facility",
    "safety_hazard": "安全隐患 safety hazard", "unknown": "未知 unknown",
}  # fmt: skip
MONTHS = 13
"""The month that runs and the twelve before it."""

Fates = dict[str, int]


def compose(document: Mapping[str, Any], moment: Moment) -> Content:
    rows = document.get("months") or []
    town = fates(rows)
    total = sum(town.values())
    if not total:
        return nothing_yet("what became of incidents")
    taken = total - town["not_taken"]
    headline = (
        f"Of {taken:,} incidents that the town took up, {share(town['in_time'], taken)} were closed in time, "
        f"{town['overdue']:,} are open beyond their day, and of {town['unproven'] + town['unknown']:,} nobody can "
        "prove how they ended."
    )
    months = sorted({row["month"] for row in rows if row["month"]})[-MONTHS:]
    by_month = [_bar(month, fates(row for row in rows if row["month"] == month)) for month in months]
    by_kind = _kinds(document.get("kinds") or [])
    reopened, bulk = (sum(row[name] for row in rows) for name in ("reopened", "bulk"))
    return Content(
        headline=headline,
        figures=[
            bars.stacked(by_month, FATES, f"Incidents by month. {headline}", caption="按月 By month", of_all=False),
            bars.stacked(by_kind, FATES, "Incidents by kind", caption="按类别 By kind"),
        ],
        tables=[_communities(document.get("communities") or [])],
        notes=[
            "Incidents, not reports: several channels may tell of one. A month is that of the first report.",
            f"Closed proves nothing where it was closed in bulk ({bulk:,}), was open again ({reopened:,} seen so), or "
            "no channel gives a time of closing; it is never counted as in time.",
            "Disputes, theft, fraud, noise and the like between persons are counted together: each by itself is few.",
        ],
        rows=sum(len(document.get(part) or ()) for part in ("months", "kinds", "communities")),
    )


def fates(rows: Iterable[Mapping[str, Any]]) -> Fates:
    """Incidents by what became of them; what no mark names is unknown."""
    counts = {mark.key: 0 for mark in FATES}
    for row in rows:
        counts[marks.of(FATES, row["fate"]).key] += row["n"]
    return counts


def _bar(label: str, counts: Fates) -> bars.Row:
    taken = sum(counts.values()) - counts["not_taken"]
    note = f"{share(counts['in_time'], taken) or '–'} in time"
    return bars.Row(label, [(mark, counts[mark.key]) for mark in FATES], note)


def _kinds(rows: list[Mapping[str, Any]]) -> list[bars.Row]:
    """A bar for each kind, the most frequent first."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["kind"] or "unknown", []).append(row)
    ordered = sorted(groups.items(), key=lambda item: -sum(row["n"] for row in item[1]))
    return [_bar(KINDS.get(kind, kind), fates(group)) for kind, group in ordered]


def _communities(rows: list[Mapping[str, Any]]) -> Table:
    codes = sorted({row["community_code"] for row in rows if row["community_code"]})
    made = []
    for code in [*codes, None]:
        counts = fates(row for row in rows if row["community_code"] == code)
        if not sum(counts.values()):
            continue
        made.append((code or "未落到社区 placed nowhere", *(counts[mark.key] for mark in FATES)))
    columns = ("社区 community", *(f"{mark.chinese} {mark.english}" for mark in FATES))
    return Table("按社区 By community", columns, made, frozenset(columns[1:]))


PICTURE = Picture(
    name="event_closure",
    chinese="事件闭环",
    english="Event closure",
    purpose="What became of incidents from all channels. For 镇综合执法办, to see what stays open.",
    app="enforcement",
    families=("enforcement",),
    query=QUERY,
    compose=compose,
)
