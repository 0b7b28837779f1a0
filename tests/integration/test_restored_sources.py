"""What a source was told is taken, and the backup does not hold, is asked for again, or its time is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connectors import inbox
from connectors.contract import Column, Contract, Server, Stream
from connectors.contract_folder import load_contracts
from connectors.intake import LoadResult, run_stream
from connectors.tables import ensure_tables
from orchestration.intake import _applied_check
from tests.conftest import environment
from tests.integration.test_backup import empty
from warehouse import backup, connection, ledger
from warehouse.status import status_rows

_CHANGED = Column("updated_at", "gxsj", "timestamp", "L1", required=True)
STREAM = Stream(
    "desk", "cases", "cases", "changes",
    (
        Column("id", "bh", "string", "L1", primary_key=True, required=True),
        Column("value", "z", "string", "L1"),
        _CHANGED,
    ),
    cursor=_CHANGED, server_name="x",
)  # fmt: skip


def contract_of(stream: Stream, protocol: str, **properties: Any) -> Contract:
    server = Server("x", {"protocol": protocol, "endpoint": "", "timezone": "Asia/Shanghai"} | properties)
    made = Contract("desk", "desk", "1", "d", "o", "p", "l", "b", ("p",), 60, 60, 30, {"x": server}, {"cases": stream})
    with connection.connect("loader") as conn:
        ensure_tables(conn, {**load_contracts(), "desk": made})
    return made


class Desk:
    """An exchange table whose owner marks what is new."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.acknowledge = {"column": "clbz", "waiting": "0", "taken": "1"}
        self.says("CREATE TABLE cases (bh text PRIMARY KEY, z text, gxsj timestamp, clbz text)")

    def says(self, statement: str) -> list[Any]:
        with psycopg.connect(self._url) as conn:
            done = conn.execute(statement.encode())
            return done.fetchall() if done.description else []

    def changes(self, key: str, value: str, day: int) -> None:
        self.says(
            f"INSERT INTO cases VALUES ('{key}', '{value}', '2026-06-{day:02} 10:00:05', '0') ON CONFLICT (bh)"
            " DO UPDATE SET z = excluded.z, gxsj = excluded.gxsj, clbz = '0'"
        )

    def pull(self) -> LoadResult:
        contract = contract_of(STREAM, "exchange_db", endpoint=self._url, acknowledge=self.acknowledge)
        return run_stream(contract, STREAM, run_id="test")


@pytest.fixture
def desk(server_url: str) -> Iterator[Desk]:
    with empty(server_url) as url:
        yield Desk(url)


@pytest.fixture
def elsewhere(server_url: str) -> Iterator[str]:
    with empty(server_url) as url:
        yield url


def current() -> list[Any]:
    with connection.connect("loader") as conn:
        return conn.execute("SELECT id, value FROM landing.desk__cases WHERE _to_load IS NULL ORDER BY 1").fetchall()


def test_rows_flagged_as_taken_after_the_backup_come_again(
    fresh_database: str, desk: Desk, elsewhere: str, tmp_path: Path
) -> None:
    desk.changes("k1", "old", 1)
    desk.pull()
    backup.dump(tmp_path / "town.dump")
    desk.changes("k1", "new", 2)
    desk.changes("k2", "new", 2)
    desk.pull()
    now = current()
    assert now == [("k1", "new"), ("k2", "new")] and desk.says("SELECT DISTINCT clbz FROM cases") == [("1",)]
    with environment(TOWNHUB_DATABASE_URL=elsewhere):
        backup.restore(tmp_path / "town.dump")
        assert current() == [("k1", "old")]
        assert desk.pull().rows_in == 2
        assert current() == now
        assert desk.pull().rows_in == 0, "only the first pull after a restore reads everything"


def test_a_stream_that_the_backup_does_not_know_is_read_from_its_beginning(
    fresh_database: str, desk: Desk, elsewhere: str, tmp_path: Path
) -> None:
    backup.dump(tmp_path / "town.dump")
    desk.changes("k1", "new", 2)
    desk.pull()
    with environment(TOWNHUB_DATABASE_URL=elsewhere):
        backup.restore(tmp_path / "town.dump")
        desk.pull()
        assert current() == [("k1", "new")]


@pytest.mark.parametrize("known", [True, False], ids=["taken in before the backup", "not yet taken in"])
def test_messages_that_nobody_sends_again_are_told(
    fresh_database: str, elsewhere: str, tmp_path: Path, known: bool
) -> None:
    stream = replace(STREAM, load="messages")
    contract = contract_of(stream, "webhook")

    def arrives(key: str) -> None:
        body = f'{{"bh": "{key}", "z": "v", "gxsj": "2026-06-01 10:00:05"}}'
        with connection.connect("loader") as conn:
            inbox.store(conn, stream, [(key, body.encode(), {})])

    def pull() -> LoadResult:
        return run_stream(contract, stream, run_id="test")

    def told() -> Any:
        with connection.connect("loader") as conn:
            return next(row.notes for row in status_rows(conn) if row.system == "desk")

    arrives("k1")
    if known:
        assert pull().landed == 1 and not told()
    backup.dump(tmp_path / "town.dump")
    with environment(TOWNHUB_DATABASE_URL=elsewhere):
        backup.restore(tmp_path / "town.dump")
        arrives("k2")
        first = pull()
        assert first.landed == (1 if known else 2), "the inbox is read on from where the backup was"
        gap = first.notes["messages_missing"]
        assert gap["from"] < gap["to"]
        check = _applied_check(first)
        assert not check.passed and gap["from"] in str(check.description)
        assert pull().notes == {}, "it is the first load's note"
        assert told() == {"messages_missing": gap}, "status tells it on"
        with connection.connect("loader") as conn:
            ledger.note_restore(conn)  # from a backup that was made meanwhile
        second = pull().notes["messages_missing"]
        assert second["from"] == gap["from"] and second["to"] > gap["to"], "what the first one lost stays told"
        with connection.connect("loader") as conn:
            conn.execute(
                """UPDATE control.cursor
                      SET value = jsonb_set(value, '{gap,to}', to_jsonb(now() - interval '32 days'))"""
            )
        pull()
        assert not told(), "what was missing would be past its retention by now"
