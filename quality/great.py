"""Great Expectations over tables of the warehouse, in processes of their own.

GX takes seconds to import and a good part of a second per table, all of it Python: inside the hub's process it would
take them from the streams that are pulled meanwhile.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import Final

from quality import record
from quality.checks import Check, Outcome, Version
from warehouse.answering import Answering, EndedError, FailedError, serve

JUDGES: Final = 2
"""Processes that judge: as many as there are cores to be had on the smallest machine that a hub is meant for."""

IDLE_SECONDS: Final = 1.0
"""So long a process keeps its connections when nobody asks it anything: PostgreSQL, too, waits five seconds for the
sessions of a database that somebody drops."""

UNUSED: Final = ("altair", "scipy.stats")
"""What GX imports for expectations that no check of ours is."""

_judges: Final = Answering("quality.great", JUDGES)


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
    try:
        outcomes: list[Outcome] = _judges.ask((schema, table, list(checks), role, version))
    except EndedError as ended:
        raise JudgeError(f"the process that judges has died: {ended}", f"{schema}.{table}") from None
    except FailedError as failed:
        raise JudgeError(str(failed), f"{schema}.{table}") from None
    record.save(f"{schema}.{table}", [record.Answer(o.check, o.passed, o.error, o.observed) for o in outcomes])
    return outcomes


def make_ready() -> None:
    """Have GX imported beside other work, so that the first question need not wait for it."""
    _judges.make_ready()


def stop() -> None:
    """End the processes, whatever they are at: who waits gets a JudgeError, and the next question starts others."""
    _judges.stop()


def _answer_questions(ends: Sequence[str]) -> None:
    from quality.put_off import put_off

    put_off(*UNUSED)
    # What is imported is no garbage: nobody looks through it, not while it grows (a sixth of the import) and not
    # later, and forks go on sharing its memory.
    gc.disable()
    from quality import custom_expectations, expectations  # noqa: F401  # GX is imported once for all

    gc.collect()
    gc.freeze()
    gc.enable()
    serve(
        ends,
        lambda question: expectations.judge(*question),
        failed=lambda error: type(error).__name__,
        rest=expectations.rest,
        idle_seconds=IDLE_SECONDS,
    )


if __name__ == "__main__":
    _answer_questions(sys.argv[1:])
