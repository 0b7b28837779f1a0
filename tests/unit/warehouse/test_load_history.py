"""A source is in trouble when its last loads failed of late by its own doing; what the ledger remembers of a stream."""

from __future__ import annotations

import psycopg
import pytest

from warehouse import ledger, load_history
from warehouse.load_history import TROUBLE, TROUBLE_AFTER, History


@pytest.fixture
def loader(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute("SET ROLE townhub_loader")
    ledger.sync_streams(
        conn,
        [
            ledger.StreamEntry("alarm", name, "1.0.0", "landing", f"alarm__{name}", "changes")
            for name in ("calls", "posts")
        ],
    )
    return conn


def load(conn: psycopg.Connection, stream: str = "calls", rows: int | None = None, trouble: bool = True) -> int:
    """A load that failed, or with `rows` one that committed."""
    made = ledger.open_load(conn, system="alarm", stream=stream, contract_version="1.0.0")
    if rows is None:
        ledger.fail_load(conn, made, "no answer", notes=TROUBLE if trouble else None)
    else:
        ledger.commit_load(
            conn, made, rows_in=rows, landed=rows, unchanged=0, quarantined=0, tombstoned=0, bytes_in=0,
            cursor=None, seconds={},
        )  # fmt: skip
    return made


def troubled(conn: psycopg.Connection, stream: str = "calls") -> bool:
    return load_history.in_trouble(conn, "alarm", stream)


def test_so_many_failures_in_a_row(loader: psycopg.Connection) -> None:
    for _ in range(TROUBLE_AFTER):
        assert not troubled(loader)
        load(loader)
    assert troubled(loader)
    assert not load_history.in_trouble(loader, "another", "calls")
    ledger.open_load(loader, system="alarm", stream="calls", contract_version="1.0.0")
    assert troubled(loader), "a load that runs says nothing yet"


def test_one_answer_ends_it(loader: psycopg.Connection) -> None:
    for _ in range(TROUBLE_AFTER):
        load(loader)
    load(loader, rows=1)
    assert not troubled(loader)
    load(loader)
    assert not troubled(loader)


def test_only_the_sources_own_trouble_counts(loader: psycopg.Connection) -> None:
    """Not a load whose process died, nor one that the warehouse refused, nor a broken agreement."""
    for _ in range(TROUBLE_AFTER):
        load(loader, trouble=False)
    assert not troubled(loader)
    for _ in range(TROUBLE_AFTER - 1):
        load(loader)
    assert not troubled(loader)


def test_what_a_whole_system_cannot_do_is_not_tried_with_its_next_stream(loader: psycopg.Connection) -> None:
    for _ in range(TROUBLE_AFTER):
        load(loader, "posts")
    assert troubled(loader, "calls")
    load(loader, "calls", rows=1)
    assert not troubled(loader, "calls")
    assert troubled(loader, "posts"), "the other stream's answer does not make this one well"


def test_a_failure_long_ago_says_nothing(loader: psycopg.Connection) -> None:
    for _ in range(TROUBLE_AFTER):
        load(loader)
    loader.execute("RESET ROLE")
    loader.execute(
        "UPDATE control.load SET finished_at = finished_at - %s::interval WHERE system = 'alarm'"
        " AND load_id = (SELECT min(load_id) FROM control.load WHERE system = 'alarm')",
        [load_history.TROUBLE_LASTS],
    )
    assert not troubled(loader)


def test_histories(loader: psycopg.Connection) -> None:
    assert ("alarm", "calls") not in load_history.histories(loader)
    for rows in (9, 70, 3):
        load(loader, rows=rows)
    slow = load(loader)
    load(loader, "posts", rows=0)
    loader.execute("RESET ROLE")
    loader.execute(
        "UPDATE control.load SET started_at = finished_at - interval '90 seconds' WHERE load_id = %s", [slow]
    )
    found = load_history.histories(loader)
    assert found["alarm", "calls"] == History(failed=True, seconds=90.0, rows=70)
    assert (found["alarm", "posts"].failed, found["alarm", "posts"].rows) == (False, 0)
