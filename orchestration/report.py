"""What one pass of the hub did: collected by the steps while they run, read by the command.

A pass runs its steps in this very process, so a module variable carries the report. Runs that the Dagster
daemon launches have no pass; their steps report to a `PassReport` that nobody reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

STEPS = ("extract", "conform", "land", "staging", "resolve", "build", "gate", "publish", "draw")


class Progress(Protocol):
    """Who shows the work in progress; see `orchestration.progress`. Pulls call it from threads of their own."""

    def begin(self, what: str) -> None: ...

    def rows(self, what: str, rows: int) -> None: ...

    def end(self, what: str, outcome: str) -> None: ...


class Silent:
    """Shows nothing (daemon runs, tests)."""

    def begin(self, what: str) -> None:
        pass

    def rows(self, what: str, rows: int) -> None:
        pass

    def end(self, what: str, outcome: str) -> None:
        pass


@dataclass
class StreamOutcome:
    """Counts of one stream over the loads of a pass; `state` is that of the last one."""

    landed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    tombstoned: int = 0
    rows_in: int = 0
    state: str = "not_run"
    message: str = ""

    def as_json(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in ("landed", "unchanged", "quarantined", "tombstoned")}
        return {**counts, "state": self.state}


@dataclass
class PassReport:
    """Everything that `--json` and the summary table tell of the steps."""

    progress: Progress = field(default_factory=Silent)
    streams: dict[tuple[str, str], StreamOutcome] = field(default_factory=dict)
    verdicts: dict[str, dict[str, str]] = field(default_factory=dict)
    """family → check → state of the last candidate judged."""
    published: dict[str, bool] = field(default_factory=dict)
    drawn: set[str] = field(default_factory=set)
    """Pictures that were drawn, or could not be."""
    failures: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    """Step → seconds on the clock, which add up to the pass's; of intake, what the pass had to wait for."""
    on_news: Callable[[], None] | None = None
    """Called once, when the first row has landed: then there is something to build."""
    busy: dict[str, float] = field(default_factory=dict)
    """extract, conform, land → seconds of work, which overlap: within a pull, between pulls, and with other steps."""

    def stream(self, system: str, name: str) -> StreamOutcome:
        return self.streams.setdefault((system, name), StreamOutcome())

    def loaded(self, result: Any, waited: float) -> None:
        """Add one `connectors.intake.LoadResult`, for which the pass waited so many seconds.

        Pulls overlap, so of their work only the wait for it counts as time of the pass: each step of intake gets its
        share of that by the seconds that it was busy.
        """
        outcome = self.stream(result.system, result.stream)
        outcome.rows_in += result.rows_in
        outcome.landed += result.landed
        outcome.unchanged += result.unchanged
        outcome.quarantined += result.quarantined
        outcome.tombstoned += result.tombstoned
        outcome.state, outcome.message = result.state, ""
        if result.landed and self.on_news is not None:
            told, self.on_news = self.on_news, None
            told()
        total = sum(result.seconds.values())
        for step, seconds in result.seconds.items():
            self.busy[step] = self.busy.get(step, 0.0) + seconds
            self.spent(step, waited * seconds / total if total else 0.0)

    def load_failed(self, system: str, stream: str, message: str, waited: float) -> None:
        """Add a load that failed; the wait was for its source."""
        self.spent("extract", waited)
        outcome = self.stream(system, stream)
        outcome.state, outcome.message = "failed", message
        self.failures.append(f"{system}.{stream}: {message}")

    def failed(self, what: str, message: str) -> None:
        self.failures.append(f"{what}: {message}")

    def spent(self, step: str, seconds: float) -> None:
        self.seconds[step] = self.seconds.get(step, 0.0) + seconds


_current = PassReport()


def current() -> PassReport:
    """The report of the pass that runs in this process."""
    return _current


@contextmanager
def collecting(report: PassReport) -> Iterator[PassReport]:
    """Let the steps of this process report to `report`."""
    global _current
    before, _current = _current, report
    try:
        yield report
    finally:
        _current = before


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Time a piece of work under a step's name."""
    started = time.perf_counter()
    try:
        yield
    finally:
        current().spent(step, time.perf_counter() - started)


@contextmanager
def shown(what: str) -> Iterator[None]:
    """Show a piece of work in the progress."""
    progress = current().progress
    progress.begin(what)
    outcome = "failed"
    try:
        yield
        outcome = "done"
    finally:
        progress.end(what, outcome)


@contextmanager
def work(step: str, what: str) -> Iterator[None]:
    """Time a piece of work under a step's name and show it."""
    with shown(what), timed(step):
        yield
