"""The pulls of one run side by side, so that a source that hangs, floods or lies costs the others nothing.

Dagster runs its steps one after another in the main thread. So the first intake step of a run starts the pulls of all
of them here, and each step waits for its own and reports it. What has landed is held against its contract at once,
while others are pulled. Few pulls are at work at once, one per system:

- A pull that waits for its source keeps no other one waiting: after `PATIENCE_SECONDS` its place goes to the next.
- A pull that brings far more than its stream ever did steps aside until no other one is at work.
- What mostly waits is pulled first, then what was quick the last time; what failed, last.

Loads are those of `connectors.intake`: each commits by itself, whatever becomes of the others, of its step or of the
run. A run whose process dies leaves them to `recovery.close_dead_loads`; one that is cancelled hands out no new pull.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Final

import psycopg

from orchestration import current_rows, environment
from orchestration.report import Progress
from quality.great import JUDGES
from warehouse import connection, ledger, load_history
from warehouse.errors import WarehouseError
from warehouse.lending import Lender
from warehouse.settings import positive

if TYPE_CHECKING:
    from connectors.contract import Contract, Stream
    from connectors.intake import LoadResult
    from connectors.pace import Pace
    from orchestration.current_rows import CurrentRows
    from quality.results import CheckResult
    from warehouse.load_history import History

PLACES: Final = 4
"""Pulls at work at once, unless TOWNHUB_PULLS says otherwise."""
MOST_PER_PLACE: Final = 4
"""With those that wait for their sources so many times as much: each holds two or three connections to PostgreSQL."""
PATIENCE_SECONDS = 1.0
LOOK_SECONDS = 0.1
"""How often places are looked at; a pull that ends is seen at once."""
AMPLE_TIMES: Final = 2
AMPLE_ROWS: Final = 20_000
"""More than twice its largest load of late and this many rows is more than ample for a stream."""
AMPLE_ROWS_UNKNOWN: Final = 500_000
"""A stream that was never landed may bring this much before it has to step aside."""

Name = tuple[str, str]


@dataclass(frozen=True)
class Judged:
    """What stands of a stream after a load, and how it stands by its contract."""

    current: CurrentRows
    checks: list[CheckResult]


@dataclass(frozen=True)
class Landed:
    """What a pull brought, and what that makes of the stream (to come)."""

    load: LoadResult
    judged: Future[Judged]


@dataclass(eq=False)
class _Pull:
    contract: Contract
    stream: Stream
    pace: Pace
    history: History | None
    result: Future[Landed] = field(default_factory=Future)

    @property
    def name(self) -> Name:
        return self.stream.system, self.stream.name

    @property
    def last(self) -> tuple[bool, bool, float]:
        """What sorts healthy before failing, then what mostly waits before what is at work, then quick before slow.

        What waits keeps no place meanwhile, and begun last it would be waited for alone.
        """
        if self.history is None:
            return False, not self.stream.mostly_waits, 0.0
        return self.history.failed, not self.stream.mostly_waits, self.history.seconds

    @property
    def at_work(self) -> bool:
        return not self.result.done() and not self.pace.aside and self.pace.waited < PATIENCE_SECONDS


class Pulls:
    """The pulls of one run; `result` gives each one's outcome. Start it once, with everything that the run asks for.

    Raises ConfigurationError when the environment's settings cannot be used.
    """

    def __init__(self, run_id: str, asked: Sequence[tuple[Contract, Stream]], progress: Progress) -> None:
        from connectors.interfaces import PROTOCOLS
        from connectors.pace import Bounds

        environment.load_simulated()
        # Threads that import the same modules at once may see them half made.
        import_module("connectors.intake")
        for protocol in {contract.server_of(stream).protocol for contract, stream in asked}:
            module = import_module(PROTOCOLS[protocol])
            if hasattr(module, "prepare"):  # what it imports only with its first pull
                module.prepare()
        self._run_id = run_id
        self._progress = progress
        self._places = positive("TOWNHUB_PULLS", PLACES)
        self._bounds = Bounds.from_environment()
        positive("TOWNHUB_SOURCE_DEADLINE_SECONDS", 1)  # told here once, and not by each pull
        self._results: dict[Name, Future[Landed]] = {}
        self._asked = list(asked)
        self._waiting: list[_Pull] = []
        self._running: dict[str, _Pull] = {}
        """By system; changed by the dispatcher alone."""
        self._books: psycopg.Connection | None = None
        self._loaders, self._builders = Lender("loader"), Lender("builder")
        self._checker = ThreadPoolExecutor(JUDGES, thread_name_prefix="contract-checks")
        self._checks: list[Future[Judged]] = []
        self._stopped = False
        self._news = threading.Event()
        self._prepare()
        threading.Thread(target=self._dispatch, name="pulls", daemon=True).start()

    def take(self, stream: Stream) -> Future[Landed] | None:
        """The outcome of a stream's pull, to be had once; None when there is none (any more)."""
        return self._results.pop((stream.system, stream.name), None)

    def stop(self) -> None:
        """Hand out nothing more, and let what is under way end at its next page."""
        self._stopped = True
        for pull in list(self._running.values()):
            pull.pace.stop()
        self._checker.shutdown(wait=False, cancel_futures=True)
        self._end_connections()
        if not all(check.done() for check in self._checks):
            from quality import great

            great.stop()  # else the program could not end before the check under way does
        self._news.set()

    def _prepare(self) -> None:
        with connection.connect("loader") as conn:
            known = load_history.histories(conn)
        for contract, stream in self._asked:
            pull = self._pull(contract, stream, known.get((stream.system, stream.name)))
            self._waiting.append(pull)
            self._results[pull.name] = pull.result
        self._waiting.sort(key=lambda pull: pull.last)

    def _pull(self, contract: Contract, stream: Stream, history: History | None) -> _Pull:
        from connectors.pace import Pace

        rows = history.rows if history else None
        pace = Pace(
            bounds=self._bounds,
            progress=lambda rows: self._progress.rows(f"{stream.system}.{stream.name}", rows),
            ample_rows=AMPLE_ROWS_UNKNOWN if rows is None else AMPLE_TIMES * rows + AMPLE_ROWS,
            step_aside=lambda: self._step_aside(stream.system),
        )
        return _Pull(contract, stream, pace, history)

    def _dispatch(self) -> None:
        """Until every pull has ended: give places to those that wait."""
        try:
            while self._look():
                pass
        except BaseException as error:
            # Nobody may wait for ever for what will not come. Those at work set their own results.
            for pull in self._waiting:
                pull.result.set_exception(error)
            raise
        finally:
            self._forget_books()
            with suppress(RuntimeError):  # it was stopped, and so are its connections
                self._checker.submit(self._end_connections)  # after the last check
            self._checker.shutdown(wait=False)

    def _look(self) -> bool:
        """One look at the places; False when there is nothing left to do."""
        self._news.clear()
        for system in [system for system, pull in self._running.items() if pull.result.done()]:
            del self._running[system]
            self._let_go(system)
        if self._stopped:
            for pull in self._waiting:
                pull.result.cancel()
            self._waiting.clear()
        if not self._waiting and not self._running:
            return False
        found = self._next()
        if found is None:
            self._news.wait(LOOK_SECONDS)
        else:
            self._running[found.stream.system] = found
            if self._stopped:
                found.pace.stop()  # told to those at work before this one was among them
            found.result.set_running_or_notify_cancel()
            name = f"pull-{found.stream.system}"
            threading.Thread(target=self._work, args=(found,), name=name, daemon=True).start()
            # It waits until its thread lives: if there can be none (too many threads), it is told so with the others.
            self._waiting.remove(found)
        return True

    def _next(self) -> _Pull | None:
        at_work = sum(pull.at_work for pull in self._running.values())
        most = MOST_PER_PLACE * self._places
        if at_work >= self._places or len(self._running) >= most:
            return None
        waiters = sum(pull.stream.mostly_waits for pull in self._running.values())
        free = (
            pull
            for pull in self._waiting
            if pull.stream.system not in self._running
            and (waiters < most - self._places or not pull.stream.mostly_waits)
        )
        return next((pull for pull in free if self._claim(pull.stream.system)), None)

    def _claim(self, system: str) -> bool:
        """Have the system to this run; without the warehouse the pull itself will tell what is wrong."""
        try:
            if self._books is None or self._books.closed:
                self._books = connection.connect("loader", autocommit=True, application_name="townhub pulls")
            return ledger.claim_system(self._books, system)
        except (psycopg.Error, WarehouseError):
            self._forget_books()
            return True

    def _let_go(self, system: str) -> None:
        try:
            if self._books is not None:
                ledger.release_system(self._books, system)
        except psycopg.Error:
            self._forget_books()

    def _forget_books(self) -> None:
        """Its locks go with it."""
        if self._books is not None:
            self._books.close()
            self._books = None

    def _work(self, pull: _Pull) -> None:
        try:
            load = self._shown(pull)
            pull.result.set_result(Landed(load, self._judged(pull, load)))
        except BaseException as error:
            pull.result.set_exception(error)
        finally:
            self._news.set()

    def _judged(self, pull: _Pull, load: LoadResult) -> Future[Judged]:
        check: Future[Judged] = Future()
        try:
            check = self._checker.submit(self._judge, pull.stream, load.landed + load.tombstoned)
        except RuntimeError as error:  # no thread can be had, or the run was stopped and nobody asks any more
            check.set_exception(error)
        self._checks.append(check)
        return check

    def _judge(self, stream: Stream, changed: int) -> Judged:
        from quality import contract_checks

        with self._loaders.connect(autocommit=True) as conn:
            current = current_rows.look(conn, stream, changed)
        if self._stopped:
            raise CancelledError  # or a judge would be called in for somebody who wants no more answers
        with self._builders.connect(autocommit=True) as conn:
            return Judged(current, contract_checks.check_stream(conn, stream))

    def _end_connections(self) -> None:
        """Those that are lent end when they come back."""
        self._loaders.close()
        self._builders.close()

    def _shown(self, pull: _Pull) -> LoadResult:
        from connectors import intake

        name, outcome = ".".join(pull.name), "failed"
        self._progress.begin(name)
        try:
            result = intake.run_stream(
                pull.contract, pull.stream, run_id=self._run_id, pace=pull.pace, lender=self._loaders
            )
            outcome = result.state
            return result
        finally:
            self._progress.end(name, outcome)

    def _step_aside(self, system: str) -> None:
        """Wait until no pull of another system is at work."""
        while not self._stopped and any(pull.at_work for other, pull in list(self._running.items()) if other != system):
            time.sleep(LOOK_SECONDS)


_guard = threading.Lock()
_of_runs: dict[str, Pulls] = {}


def begin(run_id: str, asked: Sequence[tuple[Contract, Stream]], progress: Progress) -> Pulls:
    """The pulls of a run, started if this is its first intake step in this process."""
    with _guard:
        if run_id not in _of_runs:
            _of_runs[run_id] = Pulls(run_id, asked, progress)
        return _of_runs[run_id]


def end(run_id: str) -> None:
    """The run is over: nothing more is handed out, nothing of it is remembered."""
    with _guard:
        found = _of_runs.pop(run_id, None)
    if found is not None:
        found.stop()
