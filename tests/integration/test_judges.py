"""The processes that judge: two at once, each for its own question, and nothing of them is left behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

import psycopg
import pytest

from quality import expectations, great
from quality.checks import Outcome
from quality.suites import SUITES
from warehouse.connection import connect


def test_gx_reports_to_nobody(candidates: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GX_ANALYTICS_ENABLED", raising=False)
    expectations.judge("candidate", "grid_risk", SUITES["grid_risk"][:2], "builder", None)
    expectations.rest()
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"


def test_who_judged_keeps_no_connection_for_long_and_no_transaction(candidates: psycopg.Connection) -> None:
    theirs = (
        "SELECT state FROM pg_stat_activity WHERE application_name = 'townhub quality' AND datname = current_database()"
    )
    great.validate("candidate", "grid_risk", SUITES["grid_risk"][:2], role="builder")
    with connect() as master:  # another sees that there is a session, and not what it does
        assert {state for (state,) in master.execute(theirs)} == {"idle"}
    deadline = time.monotonic() + 20
    while candidates.execute(theirs).fetchone() is not None:
        assert time.monotonic() < deadline, "a connection was left open"
        time.sleep(0.05)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(3) as threads:
        yield threads


@contextmanager
def asked_of_a_locked_table(
    candidates: psycopg.Connection, threads: ThreadPoolExecutor
) -> Iterator[list[Future[list[Outcome]]]]:
    """Three questions about a table that nobody may read before the block ends; as many as can be asked wait for it."""
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'candidate.grid_risk'::regclass AND NOT granted"
    with connect("builder") as other:
        other.execute("LOCK TABLE candidate.grid_risk")
        asked = [
            threads.submit(great.validate, "candidate", "grid_risk", SUITES["grid_risk"][:1], role="builder")
            for _ in range(3)
        ]
        deadline = time.monotonic() + 60
        while candidates.execute(waiting).fetchone() != (great.JUDGES,):
            assert time.monotonic() < deadline, "fewer came to wait"
            time.sleep(0.05)
        yield asked


def died(asked: list[Future[list[Outcome]]]) -> int:
    """How many were told that their judge is no more; the others were answered."""
    errors = [error for one in asked if (error := one.exception(60)) is not None]
    assert all(isinstance(error, great.JudgeError) and "has died" in str(error) for error in errors)
    assert all(one.result()[0].passed for one in asked if one.exception() is None)
    return len(errors)


def test_two_tables_are_judged_at_once(candidates: psycopg.Connection, threads: ThreadPoolExecutor) -> None:
    assert great.JUDGES == 2
    with asked_of_a_locked_table(candidates, threads) as asked:
        pass
    assert died(asked) == 0


def test_who_asks_those_that_were_stopped_is_told_and_the_next_has_others(
    candidates: psycopg.Connection, threads: ThreadPoolExecutor
) -> None:
    with asked_of_a_locked_table(candidates, threads) as asked:
        great.stop()
        assert died(asked) == 3
    assert great.validate("candidate", "grid_risk", SUITES["grid_risk"][:1], role="builder")[0].passed


def test_one_that_dies_takes_its_own_question_along_and_no_other(
    candidates: psycopg.Connection, threads: ThreadPoolExecutor
) -> None:
    """Each holds ends of its own pipes only: who waits for the dead one would else wait for ever."""
    with asked_of_a_locked_table(candidates, threads) as asked:
        pid = great._judges.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        wait(asked, 60, FIRST_EXCEPTION)
    assert died(asked) == 1
