"""Great Expectations over tables of the warehouse, in processes of their own.

GX takes seconds to import and a good part of a second per table, all of it Python: inside the hub's process it would
take them from the streams that are pulled meanwhile. The processes start with the first question (one imports GX, the
others are its forks), answer one question at a time each, and end with the hub, however that ends, because their input
does.
"""

from __future__ import annotations

import atexit
import gc
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, BinaryIO, Final

from quality import record
from quality.checks import Check, Outcome, Version
from warehouse.settings import REPOSITORY

JUDGES: Final = 2
"""Processes that judge: as many as there are cores to be had on the smallest machine that a hub is meant for."""

IDLE_SECONDS: Final = 1.0
"""So long a process keeps its connections when nobody asks it anything: PostgreSQL, too, waits five seconds for the
sessions of a database that somebody drops."""

UNUSED: Final = ("altair", "scipy.stats")
"""What GX imports for expectations that no check of ours is."""

_PREFIX = "TOWNHUB_"


class JudgeError(RuntimeError):
    """The table could not be judged; `kind` is the class of what went wrong, whose own message may quote rows."""

    def __init__(self, kind: str, table: str) -> None:
        super().__init__(f"{table} cannot be judged ({kind}): see whether the table and the database are there")
        self.kind = kind


class DiedElsewhere(JudgeError):
    """What ended the process was none of this question's doing."""


def validate(
    schema: str, table: str, checks: Sequence[Check], *, role: str, version: Version | None = None
) -> list[Outcome]:
    """Judge a table by checks, in their order, as townhub_<role>.

    `version`: look at the rows of a landing table that stand in this version of it and at no others. A check that
    brings its own query says so in the query. May be called from any thread.
    Raises JudgeError when the table cannot be read at all.
    """
    if not checks:
        return []
    question = (schema, table, list(checks), role, version)
    try:
        outcomes = _judges().ask(*question)
    except DiedElsewhere:
        outcomes = _judges().ask(*question)
    record.save(f"{schema}.{table}", [record.Answer(o.check, o.passed, o.error, o.observed) for o in outcomes])
    return outcomes


def make_ready() -> None:
    """Have GX imported beside other work, so that the first question need not wait for it."""
    with suppress(OSError):
        _judges()


def stop() -> None:
    """End the processes, whatever they are at: who waits gets a JudgeError, and the next question starts others."""
    global _current
    with _guard:
        judges, _current = _current, None
    if judges is not None:
        judges.stopped = True
        judges.kill()


class _Judges:
    """The processes that have GX, as seen from here: one that imported it, and its forks."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.stopped = False
        """Somebody wants no more answers."""
        self._killed = False
        self._seats: SimpleQueue[tuple[BinaryIO, BinaryIO]] = SimpleQueue()
        """Where questions are put and answers come from, of those that nobody speaks to."""
        theirs = []
        for _ in range(JUDGES):
            asked, ours = os.pipe()
            answers, told = os.pipe()
            theirs += [asked, told]
            self._seats.put((os.fdopen(ours, "wb"), os.fdopen(answers, "rb")))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "quality.great", *map(str, theirs)], cwd=REPOSITORY, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=2, pass_fds=theirs,
            )  # fmt: skip
        finally:
            for end in theirs:
                os.close(end)
        atexit.register(self.kill)

    @property
    def alive(self) -> bool:
        return self.owner == os.getpid() and not self._killed and self._process.poll() is None

    def kill(self) -> None:
        """All of them, also when the first has died. A child of a fork leaves its parent's processes alone."""
        if self.owner == os.getpid() and not self._killed:
            self._killed = True
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            atexit.unregister(self.kill)

    def ask(self, schema: str, table: str, *question: Any) -> list[Outcome]:
        surroundings = {name: value for name, value in os.environ.items() if name.startswith(_PREFIX)}
        questions, answers = seat = self._seats.get()
        try:
            pickle.dump((surroundings, (schema, table, *question)), questions)
            questions.flush()
            answer = pickle.load(answers)
        except BaseException as error:
            elsewhere = self._killed and not self.stopped
            # An answer that nobody read would be taken for that to the next question.
            self.kill()
            if isinstance(error, (OSError, EOFError, pickle.UnpicklingError)):
                kind = DiedElsewhere if elsewhere else JudgeError
                raise kind("the process that judges has died", f"{schema}.{table}") from None
            raise
        finally:
            self._seats.put(seat)
        if isinstance(answer, str):
            raise JudgeError(answer, f"{schema}.{table}")
        outcomes: list[Outcome] = answer
        return outcomes


_guard = threading.Lock()
_current: _Judges | None = None


def _judges() -> _Judges:
    global _current
    with _guard:
        if _current is not None and not _current.alive:
            _current.kill()
            _current = None
        if _current is None:
            _current = _Judges()
        return _current


def _serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there are no more questions: with outcomes, or with the class of what went wrong."""
    from quality import expectations

    while True:
        if not select.select([questions], [], [], IDLE_SECONDS)[0]:
            with suppress(Exception):
                expectations.rest()
        try:
            surroundings, question = pickle.load(questions)
        except EOFError:
            return
        for name in [name for name in os.environ if name.startswith(_PREFIX)]:
            del os.environ[name]
        os.environ |= surroundings
        answer: list[Outcome] | str
        try:
            answer = expectations.judge(*question)
        except Exception as error:
            answer = type(error).__name__
        pickle.dump(answer, answers)
        answers.flush()


def _take_seats(ends: Sequence[int]) -> None:
    """Serve one pair of pipes in this process, each further one in a fork of it."""
    from quality.put_off import put_off

    put_off(*UNUSED)
    from quality import custom_expectations  # noqa: F401  # GX is imported once for all

    # What is imported is no garbage: nobody looks through it again, and forks go on sharing its memory.
    gc.collect()
    gc.freeze()

    mine, *others = zip(ends[::2], ends[1::2], strict=True)
    for pair in others:
        if os.fork() == 0:
            mine = pair
            break
    for end in set(ends) - set(mine):
        os.close(end)  # or nobody would notice that the one at its other end has died
    with os.fdopen(mine[0], "rb") as questions, os.fdopen(mine[1], "wb") as answers:
        _serve(questions, answers)


if __name__ == "__main__":
    _take_seats([int(end) for end in sys.argv[1:]])
