"""What a page says: figures, tables and words, before they become HTML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

from pictures.marks import Mark
from pictures.reading import Moment
from pictures.suppression import FEW


@dataclass(frozen=True)
class Figure:
    """One SVG: a template of `templates/` and what it is filled with; `words` tell it to who cannot see it."""

    template: str
    words: str
    values: Mapping[str, Any]
    caption: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells: text (code in `backticks`), whole numbers, marks, FEW, or None for what is not known.

    `numeric` names the columns of numbers.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numeric: frozenset[str] = frozenset()


Cell = str | int | Mark | FEW | None


@dataclass(frozen=True)
class Content:
    """What one picture says. The first figure stands for the page elsewhere. `rows`: how many the statement
    answered with, groups mostly; how many people are behind them would tell small numbers."""

    headline: str
    figures: Sequence[Figure]
    tables: Sequence[Table]
    notes: Sequence[str]
    rows: int


@dataclass(frozen=True)
class Picture:
    """One page: drawn from the releases of `families`, as `app`, by one statement that returns one JSON document."""

    name: str
    chinese: str
    english: str
    purpose: str
    app: str
    families: tuple[str, ...]
    query: LiteralString
    compose: Callable[[Mapping[str, Any], Moment], Content] = field(repr=False)


def share(part: float, whole: float) -> str | None:
    """A share in words, None of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else None


def nothing_yet(what: str) -> Content:
    """A page before the first release of its family."""
    return Content(
        headline=f"Nothing is known yet: {what} has not been released. 尚未发布，情况未知。",
        figures=[],
        tables=[],
        notes=["A release comes with the first pass whose gate is green: townhub run, then townhub release list."],
        rows=0,
    )
