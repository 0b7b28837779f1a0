"""Connections that are used again: nothing of their last user is left, and none that is of no use is lent."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from warehouse import connection
from warehouse.lending import Lender


@pytest.fixture
def lender(fresh_database: str) -> Iterator[Lender]:
    with Lender("loader") as made:
        yield made


def session(conn: psycopg.Connection) -> int:
    return conn.info.backend_pid


def test_a_session_is_lent_again_and_two_at_once_are_two(lender: Lender) -> None:
    with lender.connect() as one, lender.connect() as other:
        used = {session(one), session(other)}
        assert len(used) == 2
    with lender.connect() as one, lender.connect(autocommit=True) as other:
        assert {session(one), session(other)} == used
        assert (one.autocommit, other.autocommit) == (False, True)


def test_nothing_of_its_last_user_is_left(lender: Lender) -> None:
    with lender.connect(autocommit=True) as conn:
        first = session(conn)
        conn.execute("SELECT pg_advisory_lock(7, 7)")
        conn.execute("SET search_path TO staging")
        conn.execute("CREATE TEMPORARY TABLE kept (number integer)")
    prepared = "SELECT %s::int"
    for _ in range(3):
        with lender.connect() as conn:
            for number in range(9):  # psycopg prepares what it is asked often
                assert conn.execute(prepared, [number]).fetchone() == (number,)
    with lender.connect() as conn, connection.connect("loader") as stranger:
        assert session(conn) == first
        assert stranger.execute("SELECT pg_try_advisory_lock(7, 7)").fetchone() == (True,)
        assert conn.execute("SELECT current_user, current_setting('TimeZone')").fetchone() == (
            "townhub_loader",
            "Asia/Shanghai",
        )
        assert conn.execute("SELECT current_setting('search_path') LIKE '%staging%'").fetchone() == (False,)
        assert conn.execute("SELECT to_regclass('pg_temp.kept')").fetchone() == (None,)
        assert conn.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)


def test_what_was_done_is_committed_and_after_an_error_rolled_back(lender: Lender) -> None:
    def written() -> int:
        with connection.connect("loader") as conn:
            (count,) = conn.execute("SELECT count(*) FROM control.run").fetchone() or (0,)
        return int(count)

    begin = "INSERT INTO control.run (run_key, started_at, state, summary) VALUES (%s, now(), 'running', '{}')"
    with lender.connect() as conn:
        conn.execute(begin, ["kept"])
        first = session(conn)
    assert written() == 1
    with pytest.raises(LookupError), lender.connect() as conn:
        conn.execute(begin, ["lost"])
        raise LookupError
    assert conn.closed and written() == 1
    with lender.connect() as conn:
        assert session(conn) != first, "what an error left behind is not lent again"


def test_a_session_that_has_ended_is_not_lent(lender: Lender) -> None:
    with lender.connect() as conn:
        first = session(conn)
    with connection.connect() as administrator:
        administrator.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
    with lender.connect() as conn:
        assert session(conn) != first


def test_who_lost_the_session_and_looked_up_what_became_of_it_is_not_told_of_it(lender: Lender) -> None:
    with lender.connect(autocommit=True) as conn:
        with connection.connect() as administrator:
            administrator.execute("SELECT pg_terminate_backend(%s, 5000)", [session(conn)])
        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT 1")
    assert conn.closed
    with lender.connect() as other:
        assert other.execute("SELECT 1").fetchone() == (1,)


def test_a_session_without_its_role_is_not_lent(lender: Lender) -> None:
    with lender.connect(autocommit=True) as conn:
        first = session(conn)
    (idle,) = lender._idle
    idle.execute("RESET SESSION AUTHORIZATION; SET ROLE NONE")
    with lender.connect() as conn:
        assert session(conn) != first
        assert conn.execute("SELECT current_user").fetchone() == ("townhub_loader",)


def test_the_closed_one_keeps_nothing(lender: Lender) -> None:
    with lender.connect() as one, lender.connect() as other:
        pass
    with lender.connect() as lent:
        lender.close()
        (idle,) = {one, other} - {lent}
        assert idle.closed and not lent.closed, "who has one may go on"
    assert lent.closed
