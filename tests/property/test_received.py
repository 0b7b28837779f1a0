"""Whatever a register sends, a pull that knows rows from before lands just what one does that judges all of them."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from connectors import known_versions, landing_table, received, received_entries
from connectors.conform import Conformer
from connectors.contract import Column, Contract, Server, Stream
from connectors.formats.csv_file import CsvFile
from connectors.formats.json_register import read_page
from connectors.landed import Landed, commit
from connectors.landing import Batch, Lander
from connectors.protocols.base import Page, Pull
from connectors.protocols.exchange_rows import Register, page_of
from connectors.received import Received
from connectors.tables import ensure_tables, table_of
from warehouse import connection, ledger

SERVER = Server("any", {"protocol": "gateway", "timezone": "Asia/Shanghai"})
NOW = datetime(2026, 6, 1, tzinfo=UTC)
SETTINGS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
COLUMNS = (
    Column("id", "bh", "string", "L1", primary_key=True, required=True),
    Column("value", "z", "string", "L1", codes={"a": "A", "b": "B"}),
    Column("phone", "dh", "string", "L4", semantic_type="cn.phone", on_invalid="withhold", sensitive=True),
)
TIME = Column("changed_at", "gxsj", "timestamp", "L1")
FEWER_CODES = replace(COLUMNS[1], codes={"a": "A"})


def stream(name: str, *, cursor: bool) -> Stream:
    columns = (*COLUMNS, TIME) if cursor else COLUMNS
    return Stream(
        "known", name, name, "snapshot", columns, cursor=TIME if cursor else None, server_name="any",
        max_delete_share=1.0,
    )  # fmt: skip


STREAMS = {f"{kind}_{way}": stream(f"{kind}_{way}", cursor=kind == "timed") for kind in ("plain", "timed")
           for way in ("knowing", "judging")}  # fmt: skip

Row = tuple[str | None, str | None, str | None, str]
"""Key, code, telephone number and day of change as received; blanks around them belong to what was received."""

rows = st.lists(
    st.tuples(
        st.sampled_from([None, "K1", "K2", "K3", "K4", " K1"]),
        st.sampled_from(["a", "b", " a", "bad", None]),
        st.sampled_from(["13900000000", "139 0000 0000", "13900000001", "12", None]),
        st.sampled_from(["2026-05-01", "2026-05-02", "2026-05-03", "2026-06-03"]),
    ),
    max_size=9,
)


@dataclass(frozen=True)
class Round:
    """One pull: its rows, how many come in a page, whether the contract has a code less, and the hour of day."""

    rows: list[Row]
    size: int
    fewer_codes: bool
    days_later: int


@st.composite
def sequences(draw: st.DrawFn) -> list[Round]:
    """Pulls that mostly resemble the one before, as registers do."""
    found: list[Round] = []
    for _ in range(draw(st.integers(2, 6))):
        if found and draw(st.booleans()):
            sent = list(found[-1].rows)
            for change in draw(rows)[:2]:
                at = draw(st.integers(0, len(sent)))
                sent[at : at + draw(st.integers(0, 1))] = [change]
        else:
            sent = list(found[-1].rows) if found and draw(st.booleans()) else draw(rows)
        found.append(
            Round(sent, draw(st.integers(1, 10)), draw(st.sampled_from([False] * 4 + [True])), draw(st.integers(0, 3)))
        )
    return found


@pytest.fixture(scope="module")
def conn(database: str) -> Iterator[psycopg.Connection]:
    contract = Contract(
        "known", "known", "1", "d", "o", "p", "l", "b", ("p",), 60, 60, 30, {"any": SERVER}, STREAMS
    )  # fmt: skip
    with connection.connect("loader") as opened:
        ensure_tables(opened, {"known": contract})
        yield opened


@pytest.fixture(autouse=True)
def small_registers_are_known_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(received, "FEWEST_ROWS", 0)
    monkeypatch.setattr(received, "PART_ROWS", 3)
    # And of those few rows most lie in files, as of large ones.
    monkeypatch.setattr(known_versions, "SEGMENT_ROWS", 2)
    monkeypatch.setattr(received_entries, "BLOCK_ROWS", 3)


Coming = Callable[[pl.DataFrame, Pull], Page]


def as_texts(rows: pl.DataFrame, pull: Pull) -> Page:
    """As from a source of which nobody sees the bytes."""
    return Page(rows)


def as_json(rows: pl.DataFrame, pull: Pull) -> Page:
    """As from a gateway; in pages of an even number a record may lack the keys that have no value."""
    records = rows.to_dicts()
    if rows.height % 2 == 0:
        records[1:] = [{key: value for key, value in row.items() if value is not None} for row in records[1:]]
    return read_page(json.dumps(records, ensure_ascii=False, separators=(",", ":")).encode(), "test", 0, pull)


def as_csv(rows: pl.DataFrame, pull: Pull) -> Page:
    """As in a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        path.write_bytes(rows.write_csv(line_terminator="\r\n").encode("gb18030"))
        pages = list(CsvFile(path, pull.stream, "gb18030", known=pull.known).pages())
    assert len(pages) == min(rows.height, 1)
    return pages[0] if pages else Page(rows)


def as_sql(rows: pl.DataFrame, pull: Pull) -> Page:
    """As PostgreSQL prints them."""
    quoted = [
        ",".join("" if value is None else f'"{value}"' for value in row).encode() + b"\n" for row in rows.iter_rows()
    ]
    register = Register(pull.known, [c.physical_name for c in pull.stream.primary_key]) if pull.known else None
    return page_of(quoted, rows.columns, 0, register) if quoted else Page(rows)


def land(
    conn: psycopg.Connection, stream: Stream, pull: Round, *, knowing: bool, come: Coming = as_texts
) -> tuple[Landed, int]:
    """The pull landed; how many of its rows were known."""
    if pull.fewer_codes:
        stream = replace(stream, columns=tuple(FEWER_CODES if c.name == "value" else c for c in stream.columns))
    now = NOW.replace(day=1 + pull.days_later)
    known = 0
    with connection.connect("loader", autocommit=True) as books:
        load_id = ledger.open_load(books, system="known", stream=stream.name, contract_version="1")
        lander = Lander(conn, stream, load_id, "1")
        conform = Conformer(stream, SERVER, now=now)
        memory = Received.begin(conn, stream, SERVER, load_id, lander.standing, afresh=False) if knowing else None
        asking = Pull(stream, SERVER, known=memory.find if memory else None)
        for first in range(0, max(len(pull.rows), 1), pull.size):
            page = come(frame(pull.rows[first : first + pull.size], stream), asking)
            if memory is None:
                lander.add_batch(Batch.of(conform(page.frame), stream))
                continue
            batch = memory.batch(page, conform)
            known += len(batch.known) if batch.known is not None else 0
            lander.add_batch(batch)
            if memory.keep(batch):
                lander.free()
                memory.write()
        landed = lander.finish(complete=True)
        if memory is not None:
            memory.finish()
        commit(conn, load_id, landed)
    return landed, known


def frame(sent: list[Row], stream: Stream) -> pl.DataFrame:
    names = ("bh", "z", "dh", "gxsj")
    data = {name: [row[at] for row in sent] for at, name in enumerate(names)}
    return pl.DataFrame(data, schema=dict.fromkeys(data, pl.String)).select(c.physical_name for c in stream.columns)


def state(conn: psycopg.Connection, stream: Stream) -> dict[str, Any]:
    """All that was written of a stream, loads by their order."""
    names = sql.SQL(", ").join(sql.Identifier(c.name) for c in stream.columns)
    versions = conn.execute(
        sql.SQL("SELECT {}, _hash, _from_load, _to_load FROM {}").format(names, table_of(stream))
    ).fetchall()
    held = conn.execute(
        "SELECT payload_text, reasons, times_seen, state, load_id, last_load_id FROM quarantine.row WHERE stream = %s",
        [stream.name],
    ).fetchall()
    loads = [row[0] for row in conn.execute("SELECT load_id FROM control.load WHERE stream = %s ORDER BY 1",
                                            [stream.name])]  # fmt: skip
    conn.commit()
    order = {load: number for number, load in enumerate(loads)} | {None: None}
    return {
        "versions": Counter((*row[:-2], order[row[-2]], order[row[-1]]) for row in versions),
        "held": Counter((r[0], tuple(r[1]), *r[2:4], order[r[4]], order[r[5]]) for r in held),
    }


def emptied(conn: psycopg.Connection, stream: Stream) -> None:
    conn.execute(sql.SQL("DELETE FROM {}").format(table_of(stream)))
    conn.execute("DELETE FROM quarantine.row WHERE stream = %s", [stream.name])
    conn.execute("DELETE FROM control.received WHERE stream = %s", [stream.name])
    conn.commit()


@pytest.mark.parametrize("come", [as_texts, as_json, as_csv, as_sql])
@pytest.mark.parametrize("kind", ["plain", "timed"])
@SETTINGS
@given(pulls=sequences(), held=st.sampled_from([1, 8]))
def test_knowing_rows_changes_nothing_of_what_is_landed(
    conn: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    come: Coming,
    pulls: list[Round],
    held: int,
) -> None:
    """Nor where some of them are not at hand."""
    monkeypatch.setattr(received_entries, "BLOCKS_HELD", held)
    monkeypatch.setattr(received_entries, "SAMPLED", 2)
    knowing, judging = STREAMS[f"{kind}_knowing"], STREAMS[f"{kind}_judging"]
    emptied(conn, knowing)
    emptied(conn, judging)
    base = [len(loads(conn, each)) for each in (knowing, judging)]
    assert base[0] == base[1]
    for pull in pulls:
        ours, _ = land(conn, knowing, pull, knowing=True, come=come)
        theirs, _ = land(conn, judging, pull, knowing=False, come=come)
        assert ours == theirs
        assert ours.rows_in == ours.landed + ours.unchanged + ours.quarantined
        assert state(conn, knowing) == state(conn, judging)


def loads(conn: psycopg.Connection, stream: Stream) -> list[int]:
    return [row[0] for row in conn.execute("SELECT load_id FROM control.load WHERE stream = %s", [stream.name])]


@pytest.fixture
def register(conn: psycopg.Connection) -> Stream:
    emptied(conn, STREAMS["plain_knowing"])
    return STREAMS["plain_knowing"]


GOOD: list[Row] = [(f"K{number}", "a", None, "") for number in range(8)]


@pytest.mark.parametrize("come", [as_texts, as_json, as_csv, as_sql])
def test_what_came_before_is_known_and_written_once(conn: psycopg.Connection, register: Stream, come: Coming) -> None:
    assert land(conn, register, Round(GOOD, 5, False, 0), knowing=True, come=come)[1] == 0
    kept = entries(conn, register)
    assert kept == 8
    landed, known = land(conn, register, Round(GOOD, 7, False, 0), knowing=True, come=come)
    assert (known, landed.unchanged, landed.landed, landed.tombstoned) == (8, 8, 0, 0)
    assert entries(conn, register) == kept


def test_all_versions_are_those_of_each_key(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    register = STREAMS["timed_knowing"]
    emptied(conn, register)
    sent: list[Row] = [(f"K{number}", "a", None, f"2026-05-{1 + number % 28:02}") for number in range(2_000)]
    land(conn, register, Round(sent, 500, False, 0), knowing=True)
    land(conn, register, Round([(*sent[0][:3], "2026-05-30"), *sent[1:1_990]], 500, False, 0), knowing=True)
    monkeypatch.setattr(landing_table, "BLOCKS", 3)
    table = landing_table.LandingTable(conn, register, 0)
    every = table.all_versions()
    keys = np.concatenate(list(every.absent_keys()))
    assert len(every) == len(keys) == every.absent == 1_990
    for ours, theirs in zip(every.find(keys), table.versions_of(keys).find(keys), strict=True):
        assert ours.tolist() == theirs.tolist()
    emptied(conn, register)
    assert len(table.all_versions()) == 0
    conn.commit()


def test_under_other_rules_nothing_is_known(conn: psycopg.Connection, register: Stream) -> None:
    land(conn, register, Round(GOOD, 8, False, 0), knowing=True)
    assert land(conn, register, Round(GOOD, 8, True, 0), knowing=True)[1] == 0
    assert land(conn, register, Round(GOOD, 8, True, 0), knowing=True)[1] == 8


def test_after_a_change_of_our_own_code_nothing_is_known(
    conn: psycopg.Connection, register: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(conn, register, Round(GOOD, 8, False, 0), knowing=True)
    monkeypatch.setattr(received, "_code", lambda: "a release later")
    assert land(conn, register, Round(GOOD, 8, False, 0), knowing=True)[1] == 0


def test_a_row_with_a_defect_is_judged_each_time(conn: psycopg.Connection, register: Stream) -> None:
    sent: list[Row] = [*GOOD, ("K8", "a", "12", ""), ("K9", "bad", None, "")]
    for known in (0, 8):
        landed, found = land(conn, register, Round(sent, 10, False, 0), knowing=True)
        assert found == known
        assert landed.outcomes == {
            ("phone", "invalid_phone", "withheld"): 1,
            ("value", "unknown_code", "quarantined"): 1,
        }


def test_a_key_that_stands_twice_is_judged_with_both_rows_there(conn: psycopg.Connection, register: Stream) -> None:
    land(conn, register, Round(GOOD, 8, False, 0), knowing=True)
    landed, known = land(conn, register, Round([("K0", "b", None, ""), *GOOD], 9, False, 0), knowing=True)
    assert (known, landed.landed, landed.quarantined, landed.unchanged) == (7, 1, 1, 7)


def test_rows_that_come_no_more_are_forgotten_in_the_end(conn: psycopg.Connection, register: Stream) -> None:
    for number in range(4):
        land(
            conn, register, Round([(f"K{number}-{row}", "a", None, "") for row in range(8)], 8, False, 0), knowing=True
        )
        assert entries(conn, register) <= 16


def entries(conn: psycopg.Connection, stream: Stream) -> int:
    row = conn.execute(
        "SELECT coalesce(sum(rows), 0) FROM control.received WHERE stream = %s", [stream.name]
    ).fetchone()
    conn.commit()
    assert row is not None
    return int(row[0])
