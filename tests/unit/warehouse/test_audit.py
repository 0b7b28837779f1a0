"""The audit chain cannot be edited, and shows it when it was edited all the same."""

from __future__ import annotations

import threading

import psycopg
import pytest

from warehouse import audit
from warehouse.connection import connect


@pytest.fixture
def chain(conn: psycopg.Connection) -> psycopg.Connection:
    for number in range(5):
        audit.append(conn, "li", "test", {"n": number, "名": "测试"})
    return conn


def _tamper(connection: psycopg.Connection, statement: str) -> int | None:
    connection.execute("ALTER TABLE control.audit DISABLE TRIGGER USER")  # what only a superuser could do
    connection.execute(statement)
    return audit.verify(connection)


def test_whole_chain_verifies_in_any_time_zone(chain: psycopg.Connection) -> None:
    chain.execute("SET TimeZone = 'America/New_York'")
    assert audit.verify(chain) is None
    newest = audit.entries(chain, limit=1)[0]
    assert newest.detail == {"n": 4, "名": "测试"} and newest.db_user
    assert audit.head(chain) == (newest.seq, newest.hash.hex())


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE control.audit SET actor = 'wang' WHERE seq = 3", 3),
        ("UPDATE control.audit SET detail = '{}' WHERE seq = 1", 1),
        ("UPDATE control.audit SET at = at + interval '1 us' WHERE seq = 5", 5),
        ("DELETE FROM control.audit WHERE seq = 2", 3),
        ("DELETE FROM control.audit WHERE seq = 1", 2),
        ("INSERT INTO control.audit SELECT seq + 1, at, actor, db_user, action, detail, prev_hash, hash "
         "FROM control.audit ORDER BY seq DESC LIMIT 1", None),
    ],
)  # fmt: skip
def test_tampering_is_found_where_it_was_done(chain: psycopg.Connection, statement: str, broken: int | None) -> None:
    newest = audit.head(chain)
    assert newest is not None
    assert _tamper(chain, statement) == (broken or newest[0] + 1)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE control.audit SET actor = 'x'", "DELETE FROM control.audit", "TRUNCATE control.audit"],
)
@pytest.mark.parametrize("role", [None, "owner", "publisher", "app_safety"])
def test_nobody_edits_the_chain(chain: psycopg.Connection, statement: str, role: str | None) -> None:
    if role:
        chain.execute(f"SET ROLE townhub_{role}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        chain.execute(statement)


def test_apps_cannot_write_to_the_chain(conn: psycopg.Connection) -> None:
    conn.execute("SET ROLE townhub_app_safety")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        audit.append(conn, "app", "query")


@pytest.mark.usefixtures("fresh_database")
def test_writers_at_the_same_time_make_one_chain() -> None:
    def write(name: str) -> None:
        for number in range(10):
            with connect("builder") as connection:
                audit.append(connection, name, "test", {"n": number})

    writers = [threading.Thread(target=write, args=(name,)) for name in ("a", "b", "c")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with connect() as connection:
        assert audit.verify(connection) is None
        assert [entry.seq for entry in audit.entries(connection)] == list(range(30, 0, -1))
