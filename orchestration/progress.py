"""Progress on stderr: a live line per running step on a terminal, one plain line per finished step elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from orchestration import output
from orchestration.report import Progress, Silent


class Plain:
    """One line when a step ends."""

    def __init__(self) -> None:
        self._started: dict[str, float] = {}
        self._rows = 0

    def begin(self, what: str) -> None:
        self._started[what], self._rows = time.monotonic(), 0

    def rows(self, rows: int) -> None:
        self._rows = rows

    def end(self, what: str, outcome: str) -> None:
        seconds = time.monotonic() - self._started.pop(what, time.monotonic())
        rows = f", {self._rows:,} rows" if self._rows else ""
        output.say(f"{what}: {outcome}{rows}, {seconds:.1f} s")
        self._rows = 0


class Live:
    """A bar over the known number of steps and the rows of the step that runs."""

    def __init__(self, bar: object, task: object, lines: object) -> None:
        self._bar, self._task, self._print = bar, task, lines
        self._started: dict[str, float] = {}
        self._what, self._rows = "", 0

    def begin(self, what: str) -> None:
        self._started[what] = time.monotonic()
        self._what, self._rows = what, 0
        self._bar.update(self._task, description=what)  # type: ignore[attr-defined]

    def rows(self, rows: int) -> None:
        self._rows = rows
        self._bar.update(self._task, description=f"{self._what}  {rows:,} rows")  # type: ignore[attr-defined]

    def end(self, what: str, outcome: str) -> None:
        seconds = time.monotonic() - self._started.pop(what, time.monotonic())
        mark = {"done": "[green]✓[/]", "committed": "[green]✓[/]", "failed": "[red]✗[/]"}.get(outcome, "[yellow]–[/]")
        rows = f"{self._rows:,} rows" if self._rows else ""
        self._print(f"{mark} {what:<44} {rows:>16} {seconds:6.1f} s")  # type: ignore[operator]
        self._bar.advance(self._task)  # type: ignore[attr-defined]
        self._rows = 0


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
