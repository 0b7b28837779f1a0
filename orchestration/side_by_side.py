"""Steps of a run that wait for the same, done side by side.

Dagster's executor takes one step of a run after another, and resolution, dbt and gates mostly wait for PostgreSQL. So
the first step of such a group that is reached begins what else of its group can be begun, and each step waits for its
own piece and reports it. A step whose work is done begins what waited for it, while Dagster writes its events down.
Nothing is begun before the steps that it depends on have done their work, nor where dbt has not made a table that it
reads: Dagster skips such a step. Steps with a pool are no pieces: only a step that is reached has a slot.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import Future
from dataclasses import dataclass, field
from importlib import import_module
from queue import SimpleQueue
from typing import Any, Final, Generic, TypeVar

import dagster as dg

from orchestration import building

PLACES: Final = 2
"""Pieces at work at once: what they ask of PostgreSQL keeps a core busy each."""
LOOK_SECONDS: Final = 0.2
PATIENCE_SECONDS: Final = 5.0
"""So long the end of a run waits for pieces that are at work: only one that was interrupted has any."""

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Piece(Generic[T]):
    """The work of a step, by Dagster's key of it; it is called in a thread of its own. `deps`: assets that it reads.

    `module` is imported before: threads that import the same modules at once may see them half made. `stop` ends the
    work from outside, where it is in another process: whoever waits for that is told that there will be no answer.
    """

    step: str
    deps: Sequence[dg.AssetKey]
    work: Callable[[dg.DagsterRun], T]
    module: str = __name__
    stop: Callable[[], None] = lambda: None


@dataclass
class _Begun:
    """What a run has begun."""

    ended: set[str] = field(default_factory=set)
    """Keys of steps whose work is done."""
    pieces: set[str] = field(default_factory=set)
    """The steps whose work was begun."""
    results: dict[str, Future[Any]] = field(default_factory=dict)
    """Those that nobody has asked for yet."""
    all_begun: list[tuple[Piece[Any], Future[Any]]] = field(default_factory=list)
    waiting: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = field(default_factory=SimpleQueue)
    threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, piece: Piece[Any], run: dg.DagsterRun) -> None:
        import_module(piece.module)
        result: Future[Any] = Future()
        self.pieces.add(piece.step)
        self.results[piece.step] = result
        self.all_begun.append((piece, result))
        self.waiting.put((lambda: piece.work(run), result))
        if len(self.threads) < PLACES:
            # No ThreadPoolExecutor: its threads are waited for when the program ends, whatever they are at.
            thread = threading.Thread(target=self._work, name="side-by-side", daemon=True)
            thread.start()
            self.threads.append(thread)

    def stop(self) -> bool:
        """Begin nothing more; whether what was at work has come to its end (it commits by itself or not at all)."""
        for _, result in self.all_begun:
            result.cancel()
        for _ in self.threads:
            self.waiting.put(None)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            # More than once: work that was on its way to another process starts a new one there.
            for piece in {piece for piece, result in self.all_begun if not result.done()}:
                piece.stop()
            alive = [thread for thread in self.threads if thread.is_alive()]
            left = deadline - time.monotonic()
            if not alive or left <= 0:
                return not alive
            alive[0].join(min(left, LOOK_SECONDS))

    def _work(self) -> None:
        while (next_one := self.waiting.get()) is not None:
            work, result = next_one
            if not result.set_running_or_notify_cancel():
                continue
            try:
                result.set_result(work())
            except BaseException as error:
                result.set_exception(error)


_guard = threading.Lock()
_of_runs: dict[str, _Begun] = {}


def outcome(context: dg.AssetExecutionContext, piece: Piece[T], group: Sequence[Piece[Any]]) -> T:
    """What the piece's work returns or raises. A step that runs a second time does its work a second time."""
    waits = _waits(context)
    with _guard:
        begun = _of_runs.setdefault(context.run_id, _Begun())
        begun.ended |= waits[piece.step]
        if piece.step not in begun.results:
            begun.begin(piece, context.run)
        _begin_others(begun, group, waits, context.run)
        result = begun.results.pop(piece.step)
    try:
        return result.result()  # type: ignore[no-any-return]
    except (dg.DagsterExecutionInterruptedError, KeyboardInterrupt):
        end(context.run_id)
        raise


def done(context: dg.AssetExecutionContext, group: Sequence[Piece[Any]]) -> None:
    """The step of this context has done its work: begin what of a group waited for nothing else."""
    waits, step = _waits(context), context.get_step_execution_context().step.key
    with _guard:
        begun = _of_runs.setdefault(context.run_id, _Begun())
        begun.ended |= {step, *waits[step]}
        _begin_others(begun, group, waits, context.run)


def _waits(context: dg.AssetExecutionContext) -> Mapping[str, Set[str]]:
    """Step of the run → the steps of the run that it depends on."""
    waits: Mapping[str, Set[str]] = context.get_step_execution_context().execution_plan.get_executable_step_deps()
    return waits


def _begin_others(
    begun: _Begun, group: Sequence[Piece[Any]], waits: Mapping[str, Set[str]], run: dg.DagsterRun
) -> None:
    lost = building.lost(run.run_id)
    for other in group:
        ahead = other.step in waits and other.step not in begun.pieces
        if ahead and waits[other.step] <= begun.ended and lost.isdisjoint(tuple(dep.path) for dep in other.deps):
            begun.begin(other, run)


def end(run_id: str) -> bool:
    """The run is over: nothing more is begun. Whether nothing of it is at work any more."""
    with _guard:
        begun = _of_runs.get(run_id)
        if begun is not None and not begun.stop():
            return False
        _of_runs.pop(run_id, None)
        return True
