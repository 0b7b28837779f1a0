"""Great Expectations over tables of the warehouse, in a process of its own.

GX takes seconds to import and a good part of a second per table, all of it Python: inside the hub's process it would
take them from the streams that are pulled meanwhile. The process starts with the first question, answers one at a time
and ends with the hub, however that ends, because its input does.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any, BinaryIO

from quality import record
from quality.checks import Check, Outcome, Version
from warehouse.settings import REPOSITORY

_PREFIX = "TOWNHUB_"


class JudgeError(RuntimeError):
    """The table could not be judged; `kind` is the class of what went wrong, whose own message may quote rows."""

    def __init__(self, kind: str, table: str) -> None:
        super().__init__(f"{table} cannot be judged ({kind}): see whether the table and the database are there")
        self.kind = kind


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
    outcomes = _judge().ask(schema, table, list(checks), role, version)
    record.save(f"{schema}.{table}", [record.Answer(o.check, o.passed, o.error, o.observed) for o in outcomes])
    return outcomes


def stop() -> None:
    """End the process, whatever it is at: who waits for it gets a JudgeError, and the next question starts another."""
    global _current
    with _guard:
        judge, _current = _current, None
    if judge is not None:
        judge.kill()


class _Judge:
    """The process that has GX, as seen from here."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "quality.great"], cwd=REPOSITORY, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        atexit.register(self.kill)

    @property
    def alive(self) -> bool:
        return self.owner == os.getpid() and self._process.poll() is None

    def kill(self) -> None:
        """A child of a fork leaves its parent's process alone."""
        if self.alive:
            self._process.kill()
            self._process.wait()

    def ask(self, schema: str, table: str, *question: Any) -> list[Outcome]:
        surroundings = {name: value for name, value in os.environ.items() if name.startswith(_PREFIX)}
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            with self._lock:
                pickle.dump((surroundings, (schema, table, *question)), self._process.stdin)
                self._process.stdin.flush()
                answer = pickle.load(self._process.stdout)
        except BaseException as error:
            # An answer that nobody read would be taken for that to the next question.
            self.kill()
            if isinstance(error, (OSError, EOFError, pickle.UnpicklingError)):
                raise JudgeError("the process that judges has died", f"{schema}.{table}") from None
            raise
        if isinstance(answer, str):
            raise JudgeError(answer, f"{schema}.{table}")
        outcomes: list[Outcome] = answer
        return outcomes


_guard = threading.Lock()
_current: _Judge | None = None


def _judge() -> _Judge:
    global _current
    with _guard:
        if _current is None or not _current.alive:
            _current = _Judge()
        return _current


def _serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there are no more questions: with outcomes, or with the class of what went wrong."""
    from quality import expectations

    while True:
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


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "wb") as spoken:
        os.dup2(2, 1)  # what libraries print is no answer
        _serve(sys.stdin.buffer, spoken)
