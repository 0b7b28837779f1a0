"""Stacked bars: where each segment lies on the paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pictures.content import Figure
from pictures.marks import Mark
from pictures.suppression import FEW

WIDTH, LABELS, NOTES, ROW, HEAD = 960, 250, 130, 30, 8
BARS = WIDTH - LABELS - NOTES
ROOM_FOR_DIGIT = 8.5
SLIVER = 26.0
"""Width of a number that is not shown: always the same, so that the bar does not tell what the digits keep."""


@dataclass(frozen=True)
class Row:
    """One bar: its name, its parts in the order of the marks, and what stands behind it."""

    label: str
    parts: Sequence[tuple[Mark, int | FEW]]
    note: str = ""


def stacked(
    rows: Sequence[Row], marks: Sequence[Mark], words: str, *, caption: str = "", of_all: bool = True
) -> Figure:
    """Bars of one length each (`of_all`), or as long as their numbers."""
    longest = max((_sum(row) for row in rows), default=0)
    drawn = [
        {
            "label": row.label,
            "note": row.note,
            "y": HEAD + ROW * position,
            "segments": _segments(row, (_sum(row) if of_all else longest) or 1),
        }
        for position, row in enumerate(rows)
    ]
    values = {
        "rows": drawn, "marks": list(marks), "width": WIDTH, "labels": LABELS, "bars": BARS, "row": ROW,
        "height": HEAD * 2 + ROW * len(rows),
    }  # fmt: skip
    return Figure("bars.svg", words, values, caption)


def _sum(row: Row) -> int:
    return sum(number for _, number in row.parts if isinstance(number, int))


def _segments(row: Row, whole: int) -> list[dict[str, object]]:
    hidden = sum(1 for _, number in row.parts if number is FEW.PEOPLE)
    room = BARS - SLIVER * hidden
    made: list[dict[str, object]] = []
    x = float(LABELS)
    for mark, number in row.parts:
        if number == 0:
            continue
        width = SLIVER if isinstance(number, FEW) else room * number / whole
        text = number.value if isinstance(number, FEW) else f"{number:,}"
        fits = len(text) * ROOM_FOR_DIGIT + 6 <= width
        made.append(
            {"x": round(x, 1), "width": round(width, 1), "mark": mark, "text": text if fits else "", "told": text}
        )
        x += width
    return made
