"""What a contract refuses is nowhere in the hub, whatever its upstream sends: for every contract that has `refused`.

Canaries go through the real intake and a real database: in refused fields, in fields that were renamed since, in rows
that obey, in rows that are quarantined, in records that never become rows and in messages. Then every table of the
database, every file of the hub and every log line is searched.
"""

from __future__ import annotations

import json
import logging
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from psycopg import sql

from bench.sample import sample_page
from connectors import inbox
from connectors.contract import Column, Contract, Refusal, Stream, load_contracts
from connectors.formats.json_pages import read_records
from connectors.inbox import InboxExtraction
from connectors.intake import run_stream
from connectors.interfaces import PROTOCOLS
from connectors.protocols.base import BadRecord, Page, Pull
from connectors.tables import ensure_tables
from warehouse import connection

CONTRACTS = {name: contract for name, contract in load_contracts().items() if contract.refusals}
CANARY = "甲乙丙丁-33019919491231002X"
ROWS = 40


@pytest.fixture(autouse=True)
def endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every `${NAME}` of the contracts has a value: nothing is ever connected to."""
    for contract in CONTRACTS.values():
        for server in contract.servers.values():
            for value in server.properties.values():
                if isinstance(value, str) and value.startswith("${"):
                    monkeypatch.setenv(value[2:-1], "played")


def everywhere(url: str) -> Iterator[tuple[str, str]]:
    """Every row of every table of the database as text, bytes as the text that they spell.

    Temporary tables are left out: they end with their session, which may be ending now.
    """
    with psycopg.connect(url) as conn:
        tables = conn.execute(
            """SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't'
                  AND n.nspname NOT IN ('pg_catalog', 'information_schema')"""
        ).fetchall()
        assert ("quarantine", "row") in tables and ("inbox", "message") in tables
        for schema, table in tables:
            for row in conn.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table))):
                for value in row:
                    spelled = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
                    yield (
                        f"{schema}.{table}",
                        spelled if isinstance(spelled, str) else json.dumps(spelled, ensure_ascii=False, default=str),
                    )


def assert_nowhere(values: set[str], url: str, home: Path, logged: str) -> None:
    found = {place for place, text in everywhere(url) if any(value in text for value in values)}
    assert not found, f"refused values stand in {sorted(found)}"
    spelled = [value.encode() for value in values]
    for path in home.rglob("*"):
        if path.is_file() and not path.is_relative_to(home / "postgres"):
            assert not any(value in path.read_bytes() for value in spelled), path
    assert not any(value in logged for value in values)


@dataclass(frozen=True)
class Sent:
    """What an upstream sends: records, and what is no record."""

    rows: list[dict[str, Any]]
    bad: tuple[BadRecord, ...]

    def page(self) -> Page:
        frame = read_records(json.dumps(self.rows, ensure_ascii=False).encode(), "played").frame
        return Page(frame, self.bad, bytes_in=1)

    def messages(self) -> list[bytes]:
        each = [json.dumps(row, ensure_ascii=False) for row in self.rows]
        return [text.encode() for text in (*each, f"[{','.join(each[:3])}]", f'{{"x": "{CANARY}')]


def canaries(contract: Contract, stream: Stream) -> Sent:
    """Rows that obey and, every second one, rows that do not; all with refused fields, and with one renamed."""
    frame = sample_page(contract, stream, ROWS)
    spoilt = spoilt_field(stream)
    rows = frame.with_columns(pl.when(pl.int_range(ROWS) % 2 == 0).then(pl.col(spoilt)).alias(spoilt)).to_dicts()
    names = [refusal.name for refusal in contract.refusals if refusal.kind == "field"]
    inside = {"x": 1, names[0] if names else "x2": CANARY}
    shapes = (json.dumps(inside, ensure_ascii=False), inside, [inside], [[CANARY]])
    for number, column in enumerate(nested_columns(stream)):  # fields of its own, in one row after the other
        rows[2 * number][column.physical_name] = shapes[number % len(shapes)]
    for row in rows:
        row.update(dict.fromkeys([*names, "改了名的字段"], CANARY))
    return Sent(rows, (BadRecord(ROWS, f"{CANARY},{CANARY}", "ragged_line"),))


def spoilt_field(stream: Stream) -> str:
    return next(c.physical_name for c in stream.columns if c.required)


def nested_columns(stream: Stream) -> list[Column]:
    """The described fields that get an object or a list, a row each; one good row is left."""
    return [c for c in stream.columns if c.physical_name != spoilt_field(stream)][: ROWS // 2 - 1]


@contextmanager
def played(stream: Stream, sent: Sent, monkeypatch: pytest.MonkeyPatch, protocol: str) -> Iterator[None]:
    """The stream's protocol gives this, through the inbox where the real one would."""

    class Extraction:
        def __init__(self) -> None:
            self.complete = stream.load == "snapshot"
            self.state: dict[str, object] = {}

        def pages(self) -> Iterator[Page]:
            yield sent.page()

        def acknowledge(self) -> None: ...

    @contextmanager
    def open_extraction(pull: Pull) -> Iterator[object]:
        if protocol not in ("webhook", "mqtt"):
            yield Extraction()
            return
        with connection.connect("loader", autocommit=True) as conn:
            inbox.store(conn, stream, [(str(number), text, {}) for number, text in enumerate(sent.messages())])
            yield InboxExtraction(pull, conn)

    module = types.ModuleType("played_upstream")
    module.open_extraction = open_extraction  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "played_upstream", module)
    monkeypatch.setitem(PROTOCOLS, protocol, "played_upstream")
    yield


def run_with_canaries(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.connect("loader") as conn:
        ensure_tables(conn, {contract.id: contract})
    for stream in contract.streams.values():
        with played(stream, canaries(contract, stream), monkeypatch, contract.server_of(stream).protocol):
            result = run_stream(contract, stream, run_id="refused")
        assert result.state == "committed" and result.landed > 0, stream.name
        assert result.quarantined > ROWS // 2 - 1, "half of the rows and what never became a row"
        assert result.rows_in == result.landed + result.unchanged + result.quarantined
        assert set(result.notes.get("added_columns", {})) <= {"改了名的字段"}
        assert nested_reasons(stream) == {f"{column.name}:nested_value" for column in nested_columns(stream)}


def nested_reasons(stream: Stream) -> set[str]:
    with connection.connect("loader") as conn:
        rows = conn.execute(
            "SELECT unnest(reasons) FROM quarantine.row WHERE system = %s AND stream = %s", [stream.system, stream.name]
        ).fetchall()
    return {reason for (reason,) in rows if reason.endswith(":nested_value")}


@pytest.mark.parametrize("contract", [pytest.param(c, id=name) for name, c in CONTRACTS.items()])
def test_no_canary_is_anywhere(
    contract: Contract,
    fresh_database: str,
    hub_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    run_with_canaries(contract, monkeypatch)
    assert_nowhere({CANARY}, fresh_database, hub_home, caplog.text + "".join(capfd.readouterr()))


@pytest.mark.parametrize("system", ["snapshot_report", "standard_address"])
def test_without_a_refusal_the_same_search_finds_them(
    system: str, fresh_database: str, hub_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search can fail: where nothing is refused, quarantine and inbox keep what came."""
    contract = load_contracts()[system]
    for server in contract.servers.values():
        for value in server.properties.values():
            if isinstance(value, str) and value.startswith("${"):
                monkeypatch.setenv(value[2:-1], "played")
    with connection.connect("loader") as conn:
        ensure_tables(conn, {contract.id: contract})
    stream = next(iter(contract.streams.values()))
    with played(stream, canaries(contract, stream), monkeypatch, contract.server_of(stream).protocol):
        run_stream(contract, stream, run_id="kept")
    with pytest.raises(AssertionError, match=r"refused values stand in .*quarantine\.addition.*quarantine\.row"):
        assert_nowhere({CANARY}, fresh_database, hub_home, "")


@pytest.mark.parametrize("contract", [pytest.param(c, id=name) for name, c in CONTRACTS.items()])
def test_a_refusal_says_why_and_no_column_comes_near_it(contract: Contract) -> None:
    for refusal in contract.refusals:
        assert isinstance(refusal, Refusal) and len(refusal.reason) > 10
    for stream in contract.streams.values():
        assert stream.refusals == contract.refusals
        assert not any(stream.refuses_field(column.physical_name) for column in stream.columns)
