"""数据时效: how old the releases and their inputs are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pictures import marks, reading
from pictures.content import Content, Figure, Picture, Table
from pictures.marks import Mark
from pictures.reading import Moment

QUERY = """
SELECT jsonb_build_object(
    'releases', (SELECT jsonb_agg(r ORDER BY r.as_of, r.published_at) FROM serving.release_info r),
    'inputs', (SELECT jsonb_agg(to_jsonb(i) || jsonb_build_object(
            'fresh_seconds', extract(epoch FROM fresh_within)) ORDER BY system, stream) FROM serving.input_info i)
)"""

STATES = (
    Mark("failed", "失败", "the last pull failed", marks.BAD, marks.WHITE, "stripes", "✗"),
    Mark("missing", "未到", "nothing ever came", "#5f5f5f", marks.WHITE, "dots", "0"),
    Mark("aged", "过期", "older than promised", marks.WARN, marks.BLACK, "dots", "!"),
    marks.UNKNOWN,
    Mark("fresh", "新鲜", "within its promise", marks.GOOD, marks.WHITE, letter="✓"),
    Mark("disabled", "停用", "taken in no more", marks.PALE, marks.BLACK, letter="–"),
)
"""Worst first: a system is as good as its worst stream."""
FAMILIES = {
    "safety": "智慧平安 safety", "welfare": "民生直达 welfare", "enforcement": "综合执法 enforcement",
    "economy": "智慧经济 economy", "control": "智慧管控 control", "party": "智慧党建 party",
    "service": "公共服务 service", "overview": "数据总览 overview",
}  # fmt: skip
COLUMNS, WIDTH, GAP, HEIGHT = 4, 960, 8, 46


def compose(document: Mapping[str, Any], moment: Moment) -> Content:
    inputs = document.get("inputs") or []
    systems: dict[str, list[Mapping[str, Any]]] = {}
    for row in inputs:
        systems.setdefault(row["system"], []).append(row)
    worst = {system: worst_of(rows) for system, rows in systems.items()}
    counts = {mark.key: sum(found is mark for found in worst.values()) for mark in STATES}
    releases = reading.releases(document)
    old = sum(release.old(moment) for release in releases)
    headline = (
        f"{counts['fresh']} of {len(systems) - counts['disabled']} systems are within their promise; "
        f"{old} of {len(releases)} families show an old release."
    )
    ordered = sorted(systems, key=lambda system: (STATES.index(worst[system]), system))
    missing = [family for family in FAMILIES if family not in {release.family for release in releases}]
    families = [
        (
            FAMILIES.get(release.family, release.family), release.release_id, release.as_of.isoformat(),
            reading.told(release.age(moment)),
            f"{release.days_behind(moment)} days behind" if release.days_behind(moment) else "–",
            STATES[2] if release.old(moment) else STATES[4],
        )
        for release in releases
    ] + [(FAMILIES[family], None, None, None, None, STATES[1]) for family in missing]  # fmt: skip
    columns = ("专题库 family", "发布 release", "数据日 as of", "时龄 age", "滞后 behind", "状态 state")
    return Content(
        headline=headline,
        figures=[_board(ordered, systems, worst, counts, moment)] if systems else [],
        tables=[
            Table("发布的时效 Age of the releases", columns, families, frozenset(columns[1:2])),
            _inputs(ordered, systems, moment),
        ],
        notes=[
            "A system is as good as its worst stream. Its promise is the freshness of its contract; age counts from "
            "the time of its data where it tells one, else from the last pull that came whole.",
            "What is older than promised makes the results that need it unknown with the next build. A family that a "
            "gate holds back keeps its last release and grows old here.",
            "Remedies: townhub status names the error of a system, townhub release list what holds a family back.",
        ],
        rows=len(inputs) + len(releases),
    )


def worst_of(rows: list[Mapping[str, Any]]) -> Mark:
    """The worst state of a system's streams; one that nobody knows is worse than a good one."""
    return min((marks.of(STATES, row["state"]) for row in rows), key=STATES.index)


def _age(row: Mapping[str, Any], moment: Moment) -> timedelta | None:
    said = row["source_time"] or row["last_committed_at"]
    return None if said is None else max(timedelta(), moment.now - datetime.fromisoformat(said))


def _board(
    ordered: list[str],
    systems: Mapping[str, list[Mapping[str, Any]]],
    worst: Mapping[str, Mark],
    counts: Mapping[str, int],
    moment: Moment,
) -> Figure:
    wide = (WIDTH - GAP * (COLUMNS - 1)) / COLUMNS
    tiles = []
    for position, system in enumerate(ordered):
        ages = [age for row in systems[system] if (age := _age(row, moment)) is not None]
        told = reading.told(max(ages)) if ages else "未知 unknown"
        owner = str(systems[system][0]["owner"] or "")
        tiles.append(
            {
                "x": round(position % COLUMNS * (wide + GAP), 1), "y": position // COLUMNS * (HEIGHT + GAP),
                "width": wide, "height": HEIGHT, "mark": worst[system], "name": system, "note": f"{owner} · {told}",
                "told": f"{system}: {worst[system].chinese} {worst[system].english}, oldest stream {told}",
            }
        )  # fmt: skip
    legend = [
        Mark(m.key, m.chinese, f"{m.english} ({counts[m.key]})", m.fill, m.ink, m.texture, m.letter) for m in STATES
    ]
    height = (len(ordered) + COLUMNS - 1) // COLUMNS * (HEIGHT + GAP) - GAP
    words = "The upstream systems by how old their data are: " + ", ".join(f"{n} {key}" for key, n in counts.items())
    return Figure(
        "tiles.svg",
        words,
        {"tiles": tiles, "marks": legend, "width": WIDTH, "height": height},
        "上游系统 The upstream systems",
    )


def _inputs(ordered: list[str], systems: Mapping[str, list[Mapping[str, Any]]], moment: Moment) -> Table:
    rows = []
    for system in ordered:
        for row in systems[system]:
            age = _age(row, moment)
            limit = row["fresh_seconds"]
            rows.append(
                (
                    f"{system}.{row['stream']}", row["owner"], marks.of(STATES, row["state"]),
                    None if age is None else reading.told(age),
                    None if limit is None else reading.told(timedelta(seconds=float(limit))),
                )
            )  # fmt: skip
    return Table(
        "各数据流 The streams", ("数据流 stream", "单位 owner", "状态 state", "时龄 age", "承诺 fresh within"), rows
    )


PICTURE = Picture(
    name="freshness",
    chinese="数据时效",
    english="Freshness board",
    purpose="How old what the hub shows is, and what it was made from. For 镇数据办, and for whoever doubts a number.",
    app="overview",
    families=tuple(FAMILIES),
    query=QUERY,
    compose=compose,
)
