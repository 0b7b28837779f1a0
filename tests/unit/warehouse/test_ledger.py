"""Loads balance, cursors move with their rows, dead loads are found, holds let one load through."""

from __future__ import annotations

import subprocess
from typing import Any

import psycopg
import pytest

from warehouse import holds, ledger
from warehouse.audit import entries
from warehouse.connection import connect
from warehouse.errors import LedgerError, StreamBusy
from warehouse.status import status_rows

STREAM = ledger.StreamEntry("alarm", "calls", "1.0.0", "landing", "alarm__calls", "changes", freshness_seconds=60)


@pytest.fixture
def loader(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute("SET ROLE townhub_loader")
    ledger.sync_streams(conn, [STREAM])
    return conn


def _open(connection: psycopg.Connection) -> int:
    return ledger.open_load(connection, system="alarm", stream="calls", contract_version="1.0.0", run_id="r")


def _commit(connection: psycopg.Connection, load_id: int, **given: Any) -> None:
    values: dict[str, Any] = {
        "rows_in": 10, "landed": 6, "unchanged": 3, "quarantined": 1, "tombstoned": 2, "bytes_in": 99,
        "cursor": {"after": 5}, "seconds": {"land": 0.1},
    }  # fmt: skip
    ledger.commit_load(connection, load_id, **(values | given))


def _one(connection: psycopg.Connection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_commit_enters_result_cursor_and_defects(loader: psycopg.Connection) -> None:
    load = _open(loader)
    assert ledger.load_state(loader, load) == "running" and ledger.cursor(loader, "alarm", "calls") is None
    _commit(loader, load, defects=[("phone", "bad_phone", "withheld", 2), ("id", "bad_id", "quarantined", 1)])
    assert ledger.load_state(loader, load) == "committed"
    assert ledger.cursor(loader, "alarm", "calls") == {"after": 5}
    assert _one(loader, f"SELECT sum(rows) FROM control.defect WHERE load_id = {load}") == 3
    second = _open(loader)
    assert _one(loader, f"SELECT cursor_before FROM control.load WHERE load_id = {second}") == {"after": 5}
    _commit(loader, second, cursor=None)
    assert ledger.cursor(loader, "alarm", "calls") == {"after": 5}


def test_unbalanced_load_cannot_commit(loader: psycopg.Connection) -> None:
    load = _open(loader)
    with pytest.raises(LedgerError, match="does not balance: 10 rows in"):
        _commit(loader, load, landed=5)
    with pytest.raises(psycopg.errors.CheckViolation):
        loader.execute("UPDATE control.load SET state = 'committed', rows_in = 1 WHERE load_id = %s", [load])


def test_a_load_that_was_given_up_cannot_commit(loader: psycopg.Connection) -> None:
    load = _open(loader)
    ledger.fail_load(loader, load, "a\0b")
    with pytest.raises(LedgerError, match="run the stream again"):
        _commit(loader, load)
    assert ledger.load_state(loader, load) == "failed" and ledger.load_state(loader, 0) is None


@pytest.mark.usefixtures("fresh_database")
def test_a_load_lives_as_long_as_its_worker_holds_the_stream() -> None:
    """Process ids decide nothing: another container has its own, and one that was started again uses them anew."""
    child = subprocess.Popen(["true"])
    child.wait()
    with connect("loader", autocommit=True) as loader, connect("loader", autocommit=True) as worker:
        reused = _open(loader)  # the pid of a process that lives: this one
        elsewhere = ledger.open_load(loader, system="alarm", stream="held", contract_version="1.0.0")
        loader.execute("UPDATE control.load SET pid = %s WHERE load_id = %s", [child.pid, elsewhere])
        with ledger.stream_lock(worker, "alarm", "held"):
            assert ledger.close_dead_loads(loader) == [reused]
            assert ledger.load_state(loader, elsewhere) == "running"
        assert ledger.close_dead_loads(loader) == [elsewhere]
        assert ledger.close_dead_loads(loader) == []
        with ledger.stream_lock(worker, "alarm", "calls"), ledger.stream_lock(worker, "alarm", "held"):
            pass  # whoever looks leaves no lock behind


@pytest.mark.usefixtures("database")
def test_a_stream_is_loaded_by_one_at_a_time() -> None:
    with connect("loader", autocommit=True) as first, connect("loader", autocommit=True) as second:
        with ledger.stream_lock(first, "alarm", "calls"):
            with (
                pytest.raises(StreamBusy, match=r"alarm\.calls"),
                ledger.stream_lock(second, "alarm", "calls"),
            ):
                pass
            with ledger.stream_lock(second, "alarm", "other"):
                pass
        with ledger.stream_lock(second, "alarm", "calls"):
            pass


def test_input_status_says_how_far_a_stream_can_be_trusted(loader: psycopg.Connection) -> None:
    def state() -> tuple[str, str | None]:
        (row,) = (row for row in status_rows(loader) if row.system == "alarm")
        return row.input_state, row.state

    assert state() == ("missing", None)
    load = _open(loader)
    assert state() == ("missing", "running")
    _commit(loader, load)
    assert state() == ("fresh", "committed")
    second = _open(loader)
    assert state() == ("fresh", "running")
    ledger.fail_load(loader, second, "source answered 500", state="held")
    assert state() == ("failed", "held")
    _commit(loader, _open(loader))
    loader.execute("UPDATE control.load SET finished_at = now() - interval '61 seconds' WHERE state = 'committed'")
    assert state() == ("aged", "committed")
    ledger.sync_streams(loader, [])
    assert state() == ("disabled", "committed")


def test_a_hold_lets_one_load_through_when_a_person_says_so(loader: psycopg.Connection) -> None:
    load = _open(loader)
    hold = ledger.hold(loader, load, "alarm", "calls", "mass_delete", {"share": 0.4})
    assert ledger.hold(loader, load, "alarm", "calls", "mass_delete", {"share": 0.5}) == hold
    assert ledger.released_hold(loader, "alarm", "calls", "mass_delete") is None
    with pytest.raises(LedgerError, match="not released"):
        ledger.use_hold(loader, hold, load)
    with pytest.raises(LedgerError, match="name and a reason"):
        holds.release_hold(loader, hold, "li", " ")
    holds.release_hold(loader, hold, "li", "the register was merged")
    assert holds.list_holds(loader) == [] and len(holds.list_holds(loader, settled=True)) == 1
    assert ledger.released_hold(loader, "alarm", "calls", "mass_delete") == hold
    ledger.use_hold(loader, hold, load)
    assert ledger.released_hold(loader, "alarm", "calls", "mass_delete") is None
    with pytest.raises(LedgerError, match="no hold"):
        holds.release_hold(loader, hold, "li", "again")
    loader.execute("RESET ROLE")
    assert entries(loader, action="hold.release")[0].actor == "li"
