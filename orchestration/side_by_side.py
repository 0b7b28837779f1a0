"""Steps of a run that wait for the same, done side by side.

Dagster's executor takes one step of a run after another, and resolution, gates and releases mostly wait for
PostgreSQL. So the first step of such a group that is reached begins what else of its group can be begun, and each step
waits for its own piece and reports it. Nothing is begun before the steps that it depends on are done and the tables
that they were to make are made.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Final, Generic, TypeVar

import dagster as dg

from orchestration import warehouse

PLACES: Final = 2
"""Pieces at work at once: what they ask of PostgreSQL keeps a core busy each."""

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Piece(Generic[T]):
    """The work of the step that makes the asset `key`; it is called in a thread of its own."""

    key: dg.AssetKey
    deps: Sequence[dg.AssetKey]
    work: Callable[[dg.DagsterRun], T]

    @property
    def step(self) -> str:
        return self.key.to_python_identifier()


@dataclass
class _Begun:
    """What a run has begun."""

    done: set[str] = field(default_factory=set)
    """Keys of steps that have come to their end."""
    pieces: set[dg.AssetKey] = field(default_factory=set)
    results: dict[dg.AssetKey, Future[Any]] = field(default_factory=dict)
    """Those that nobody has fetched yet."""
    waiting: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = field(default_factory=SimpleQueue)

    def __post_init__(self) -> None:
        for number in range(PLACES):
            threading.Thread(target=self._work, name=f"side-by-side-{number}", daemon=True).start()

    def begin(self, piece: Piece[Any], run: dg.DagsterRun) -> None:
        self.pieces.add(piece.key)
        result: Future[Any] = Future()
        self.results[piece.key] = result
        self.waiting.put((lambda: piece.work(run), result))

    def stop(self) -> None:
        """What is at work comes to its end (it commits by itself or not at all); nothing else is begun."""
        for result in self.results.values():
            result.cancel()
        for _ in range(PLACES):
            self.waiting.put(None)

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
    waits = context.get_step_execution_context().execution_plan.get_executable_step_deps()
    with _guard:
        begun = _of_runs.setdefault(context.run_id, _Begun())
        begun.done |= waits[piece.step]
        if piece.key not in begun.results:
            begun.begin(piece, context.run)
        lost = warehouse.lost(context.run_id)
        for other in group:
            ahead = other.step in waits and other.key not in begun.pieces
            if ahead and waits[other.step] <= begun.done and lost.isdisjoint(other.deps):
                begun.begin(other, context.run)
        result = begun.results[piece.key]
    try:
        return result.result()  # type: ignore[no-any-return]
    finally:
        del begun.results[piece.key]


def end(run_id: str) -> None:
    """The run is over: nothing more is begun, nothing of it is remembered."""
    with _guard:
        begun = _of_runs.pop(run_id, None)
    if begun is not None:
        begun.stop()
