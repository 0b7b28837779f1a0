"""案例对照: the figures of the case study beside the hub's own, and why they differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pictures import marks
from pictures.content import Cell, Content, Figure, Picture, Table, nothing_yet
from pictures.marks import Mark
from pictures.reading import Moment

QUERY = """
SELECT jsonb_build_object(
    'releases', (SELECT jsonb_agg(r) FROM serving.release_info r WHERE family = 'overview'),
    'figures', (SELECT jsonb_agg(f ORDER BY module, figure_code) FROM serving.case_study f)
)"""

SIZE = "residents"
"""The figure that tells how large this town is beside that of the case study."""
NEAR = 1.25
"""Within a quarter of what is expected, figures agree: the case study rounds, and towns are not alike."""
AGREES = Mark("agrees", "相符", "agrees", marks.GOOD, marks.WHITE, letter="✓")
DIFFERS = Mark("differs", "不符", "differs", marks.BAD, marks.WHITE, "stripes", "≠")
LEFT_OUT = Mark("left_out", "未比较", "not compared", marks.PALE, marks.BLACK, letter="–")
MODULES = {
    "overview": "总览 overview", "safety": "平安 safety", "welfare": "民生 welfare", "enforcement": "执法 enforcement",
    "economy": "经济 economy", "party": "党建 party", "control": "管控 control",
}  # fmt: skip
EXPLAINED = {
    "city_indicators": "an indicator is counted once, however many departments define it in their own way; all of "
    "them stand in serving.town_indicator",
}
"""figure → why the hub's value differs, where that is known."""
CLAIMS = {
    "events_per_month": ("188,703 records in the months that 21,000 a month make: 9.0", "–"),
    "payments_per_payee": ("29,560 payments to 23,358 people", "–"),
    "yuan_per_payment": ("¥15,700,800 in 29,560 payments", "–"),
    "cadence_kept": ("21,443 inspections of 11,000 premises in 8 to 10 months", "每月至少一次: 100 % and more"),
}
"""figure → (how the case study's own numbers make it, what was promised): what people ask about first."""
WIDTH, LABELS, NOTES, ROW, HEAD = 960, 250, 110, 26, 46
REACH = 16.0
"""Ratios beyond this stand at the edge."""


def compose(document: Mapping[str, Any], moment: Moment) -> Content:
    figures = document.get("figures") or []
    if not figures:
        return nothing_yet("the reconciliation with the case study")
    size = town_size(figures)
    judged = [(figure, *compare(figure, size)) for figure in sorted(figures, key=_in_order)]
    counts = {mark.key: sum(found is mark for _, _, found, _ in judged) for mark in (AGREES, DIFFERS)}
    rest = len(figures) - sum(counts.values())
    headline = (
        f"{counts['agrees']} of {len(figures)} figures agree with the case study within a quarter; "
        f"not so: {counts['differs']}; not to be compared: {rest}."
    )
    kept = next((f for f in figures if f["figure_code"] == "cadence_kept"), None)
    return Content(
        headline=headline,
        figures=[_ratios(judged, headline)],
        tables=[_claims(judged, size), _table(judged, size)],
        notes=[
            *_cadence(kept),
            _scale(size),
            "A figure agrees when it is within a quarter of what is expected.",
            "Each row of the table by itself: townhub sql \"SELECT * FROM serving.case_study WHERE figure_code = '…'\" "
            "--role overview.",
            "Nothing is taken from other purposes' apps: the numbers are sums over the whole town that "
            "quality/declassifications.yml permits one by one, of the last nine whole months.",
            "What cannot be counted says why; a difference without a known reason says so.",
        ],
        rows=len(figures),
    )


def _in_order(figure: Mapping[str, Any]) -> tuple[int, str]:
    module = figure["module"]
    return (list(MODULES).index(module) if module in MODULES else len(MODULES), figure["figure_code"])


def _name(figure: Mapping[str, Any]) -> str:
    return f"{figure['label']} {figure['figure_code'].replace('_', ' ')}"


def town_size(figures: list[Any]) -> float | None:
    """This town's residents over those of the case study; None while nobody can count them."""
    found = next((f for f in figures if f["figure_code"] == SIZE and f["state"] == "counted"), None)
    return None if found is None or not found["ratio"] else float(found["ratio"])


def compare(figure: Mapping[str, Any], size: float | None) -> tuple[float | None, Mark, str]:
    """(hub over what is expected in a town of this size, what that means, why)."""
    if figure["state"] == "unknown":
        return None, marks.UNKNOWN, figure["reason"]
    if figure["state"] != "counted" or figure["hub_value"] is None or figure["stated_low"] is None:
        return None, LEFT_OUT, figure["reason"]
    if figure["figure_code"] == SIZE:
        return None, LEFT_OUT, "sets the scale that other numbers are compared at"
    factor = 1.0 if figure["scale_free"] else size
    if factor is None:
        return None, LEFT_OUT, "grows with the town, whose size is not known"
    low, high = (float(figure[name]) * factor for name in ("stated_low", "stated_high"))
    value = float(figure["hub_value"])
    if low <= 0:
        return None, LEFT_OUT, "no ratio to a number that is not above zero"
    ratio = value / ((low + high) / 2)
    if low / NEAR <= value <= high * NEAR:
        return ratio, AGREES, figure["note"] or ""
    return ratio, DIFFERS, EXPLAINED.get(figure["figure_code"], "no reason is known")


def number(value: Any, unit: str) -> str | None:
    """A figure as its unit wants it."""
    if value is None:
        return None
    if unit == "share":
        return f"{100 * float(value):.1f} %"
    return f"{float(value):,.0f}" if abs(float(value)) >= 100 else f"{float(value):,.2f}".rstrip("0").rstrip(".")


def _cadence(kept: Mapping[str, Any] | None) -> list[str]:
    if kept is None:
        return []
    ours = number(kept["hub_value"], "share") or "an unknown share"
    return [
        "At least one visit a month to every coded premises is promised. By its own numbers the case study's town "
        f"made {number(kept['stated_low'], 'share')} to {number(kept['stated_high'], 'share')} of these; this one "
        f"makes {ours}."
    ]


def _scale(size: float | None) -> str:
    if size is None:
        return "The residents of this town cannot be counted, so that only figures of no scale are compared."
    return (
        f"This town has {100 * size:.1f} % of the residents of the case study's: figures that grow with a town are "
        "compared with that share of what the case study says; shares, means, grids and communities as they stand."
    )


def _ratios(judged: list[tuple[Any, float | None, Mark, str]], headline: str) -> Figure:
    compared = [(figure, ratio, mark) for figure, ratio, mark, _ in judged if ratio is not None and ratio > 0]
    rows = [
        {
            "label": _name(figure), "x": _across(ratio), "y": HEAD + ROW * position, "mark": mark,
            "note": f"× {ratio:.2f}",
        }
        for position, (figure, ratio, mark) in enumerate(compared)
    ]  # fmt: skip
    ticks = [
        {"x": _across(at), "text": f"× {at:g}" if at >= 1 else f"÷ {1 / at:g}", "one": at == 1}
        for at in (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16)
    ]
    left, right = _across(1 / NEAR), _across(NEAR)
    values = {
        "rows": rows, "ticks": ticks, "band": {"x": left, "width": round(right - left, 1)}, "one": _across(1),
        "width": WIDTH, "labels": LABELS, "height": HEAD + ROW * len(rows), "marks": [AGREES, DIFFERS],
    }  # fmt: skip
    return Figure("ratios.svg", headline, values, "与预期之比 This town over what is expected in a town of its size")


def _across(ratio: float) -> float:
    part = (math.log(min(max(ratio, 1 / REACH), REACH)) / math.log(REACH) + 1) / 2
    return round(LABELS + part * (WIDTH - LABELS - NOTES), 1)


def _span(figure: Mapping[str, Any], factor: float = 1.0) -> str | None:
    ends = [
        None if figure[name] is None else number(float(figure[name]) * factor, figure["unit"])
        for name in ("stated_low", "stated_high")
    ]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} – {ends[1]}"


def _expected(figure: Mapping[str, Any], ratio: float | None, size: float | None) -> str | None:
    factor = 1.0 if figure["scale_free"] else size
    return "–" if factor is None or ratio is None else _span(figure, factor)


def _claims(judged: list[tuple[Any, float | None, Mark, str]], size: float | None) -> Table:
    found = {figure["figure_code"]: (figure, ratio, mark) for figure, ratio, mark, _ in judged}
    rows: list[tuple[Cell, ...]] = []
    for code in (code for code in CLAIMS if code in found):
        (figure, ratio, mark), (reckoned, promised) = found[code], CLAIMS[code]
        ours = number(figure["hub_value"], figure["unit"])
        expected = _expected(figure, ratio, size)
        rows.append((_name(figure), reckoned, _span(figure), promised, expected, ours, mark))
    columns = (
        "指标 figure", "推算 how the case study makes it", "案例 case study", "承诺 promised", "预期 expected here",
        "本镇 this town", "结论 verdict",
    )  # fmt: skip
    return Table("要点 What people ask about first", columns, rows, frozenset((columns[2], *columns[4:6])))


def _table(judged: list[tuple[Any, float | None, Mark, str]], size: float | None) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for figure, ratio, mark, why in judged:
        rows.append(
            (
                f"{figure['label']} {figure['unit']}", _span(figure), _expected(figure, ratio, size),
                number(figure["hub_value"], figure["unit"]), "–" if ratio is None else f"× {ratio:.2f}", mark, why,
                f"`{figure['figure_code']}`",
            )
        )  # fmt: skip
    columns = (
        "指标 figure", "案例 case study", "预期 expected here", "本镇 this town", "比 ratio",
        "结论 verdict", "说明 why", "来源 figure_code",
    )  # fmt: skip
    return Table("逐项对照 Figure by figure", columns, rows, frozenset(columns[1:5]))


PICTURE = Picture(
    name="case_study",
    chinese="案例对照",
    english="Case-study reconciliation",
    purpose="What the case study says of its town beside what this hub counts. For whoever asks whether it is true.",
    app="overview",
    families=("overview",),
    query=QUERY,
    compose=compose,
)
