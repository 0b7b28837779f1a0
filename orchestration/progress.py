"""Progress on stderr: a live line per running step on a terminal, one plain line per finished step elsewhere.

Pulls report from threads of their own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from orchestration import output
from orchestration.report import Progress, Silent


@dataclass
class _Work:
    """One piece of work that is under way; several may be, each begun and ended in a thread of its own."""

    rows: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


class Plain:
    """One line when a step ends."""

    def __init__(self) -> None:
        self._under_way: dict[str, _Work] = {}

    def begin(self, what: str) -> None:
        self._under_way[what] = _Work()

    def rows(self, what: str, rows: int) -> None:
        self._under_way[what].rows = rows

    def end(self, what: str, outcome: str) -> None:
        work = self._under_way.pop(what)
        rows = f", {work.rows:,} rows" if work.rows else ""
        output.say(f"{what}: {outcome}{rows}, {work.seconds:.1f} s")


class Live:
    """A bar over the known number of steps, and what is under way with its rows."""

    def __init__(self, bar: object, task: object, lines: object) -> None:
        self._bar, self._task, self._print = bar, task, lines
        self._under_way: dict[str, _Work] = {}

    def begin(self, what: str) -> None:
        self._under_way[what] = _Work()
        self._describe()

    def rows(self, what: str, rows: int) -> None:
        self._under_way[what].rows = rows
        self._describe()

    def end(self, what: str, outcome: str) -> None:
        work = self._under_way.pop(what)
        mark = {"done": "[green]✓[/]", "committed": "[green]✓[/]", "failed": "[red]✗[/]"}.get(outcome, "[yellow]–[/]")
        rows = f"{work.rows:,} rows" if work.rows else ""
        self._print(f"{mark} {what:<44} {rows:>16} {work.seconds:6.1f} s")  # type: ignore[operator]
        self._bar.advance(self._task)  # type: ignore[attr-defined]
        self._describe()

    def _describe(self) -> None:
        """The newest piece of work with its rows, and how many others there are."""
        under_way = list(self._under_way.items())
        if not under_way:
            return
        what, work = under_way[-1]
        rows = f"  {work.rows:,} rows" if work.rows else ""
        others = f"  and {len(under_way) - 1} more" if len(under_way) > 1 else ""
        self._bar.update(self._task, description=what + rows + others)  # type: ignore[attr-defined]


@contextmanager
def shown(total: int, *, quiet: bool = False) -> Iterator[Progress]:
    """Progress over about `total` steps: live on a terminal, plain elsewhere, nothing when quiet."""
    if quiet:
        yield Silent()
        return
    if not sys.stderr.isatty():
        yield Plain()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True, highlight=False)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        yield Live(bar, bar.add_task("", total=total), bar.console.print)
