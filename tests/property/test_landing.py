"""Landing against a plain-Python model that takes rows one by one, for any sequence of pulls and any page size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.pq import TransactionStatus

from connectors.conform import Conformer
from connectors.contract import Column, Contract, Server, Stream
from connectors.held_loads import MassDelete
from connectors.landed import Landed, commit
from connectors.landing import Batch, Lander
from connectors.tables import ensure_tables, table_of
from warehouse import connection, ledger

Row = tuple[int, str, int]
"""(key, value, seconds after the beginning); value "bad" breaks a rule of the contract, key -1 is missing."""

START = datetime(2026, 6, 1, tzinfo=UTC)
SERVER = Server("any", {"protocol": "gateway", "timezone": "Asia/Shanghai"})
SETTINGS = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def stream(name: str, load: str, *, cursor: bool, share: float = 1.0) -> Stream:
    columns = [
        Column("id", "bh", "string", "L1", primary_key=True, required=True),
        Column("value", "z", "string", "L1", codes={"a": "A", "b": "B", "c": "C"}),
    ]
    changed = Column("changed_at", "gxsj", "timestamp", "L1", required=True)
    return Stream(
        system="model",
        name=name,
        physical_name=name,
        load=load,
        columns=(*columns, changed) if cursor else tuple(columns),
        cursor=changed if cursor else None,
        server_name="any",
        max_delete_share=share,
    )


STREAMS = {
    "by_time": stream("by_time", "changes", cursor=True),
    "by_arrival": stream("by_arrival", "messages", cursor=False),
    "whole": stream("whole", "snapshot", cursor=False),
    "whole_by_time": stream("whole_by_time", "snapshot", cursor=True),
    "guarded": stream("guarded", "snapshot", cursor=False, share=0.1),
}


@dataclass
class Model:
    """What landing promises, said row by row."""

    stream: Stream
    current: dict[int, tuple[str, int]] = field(default_factory=dict)
    history: set[tuple[int, str, int]] = field(default_factory=set)

    def take(self, rows: list[Row]) -> Landed:
        done = Landed(rows_in=len(rows))
        seen: set[int] = set()
        standing: dict[int, tuple[str, int]] = {}
        known, unidentified = set(self.current), False
        for key, value, time in rows:
            time = time if self.stream.cursor else 0
            if key < 0 or value == "bad":
                done.quarantined += 1
                unidentified |= key < 0
                seen.add(key)
                continue
            seen.add(key)
            new = (value, time)
            before = self.current.get(key)
            once = self.stream.load == "snapshot" and self.stream.cursor is None
            if once and standing.setdefault(key, new) != new:
                done.quarantined += 1
                continue
            if before == new or (self._is_known(key, new, before)):
                done.unchanged += 1
                continue
            done.landed += 1
            self.history.add((key, *new))
            if self.stream.cursor is None or before is None or time >= before[1]:
                self.current[key] = new
        if self.stream.load == "snapshot" and not unidentified:
            for key in known - seen:
                del self.current[key]
                done.tombstoned += 1
        return done

    def _is_known(self, key: int, new: tuple[str, int], before: tuple[str, int] | None) -> bool:
        ordered = self.stream.cursor is not None
        return ordered and before is not None and new[1] <= before[1] and (key, *new) in self.history


@pytest.fixture(scope="module")
def conn(database: str) -> Iterator[psycopg.Connection]:
    contract = Contract(
        "model", "model", "1", "d", "o", "p", "l", "b", ("p",), 60, 60, 30, {"any": SERVER}, STREAMS
    )  # fmt: skip
    with connection.connect("loader") as opened:
        ensure_tables(opened, {"model": contract})
        yield opened


def emptied(conn: psycopg.Connection, stream: Stream) -> None:
    conn.execute(sql.SQL("DELETE FROM {}").format(table_of(stream)))
    conn.commit()


def frame(rows: list[Row], stream: Stream) -> pl.DataFrame:
    data = {
        "bh": [None if key < 0 else f"K{key}" for key, _, _ in rows],
        "z": ["Z" if value == "bad" else value for _, value, _ in rows],
        "gxsj": [(START + timedelta(hours=8, seconds=time)).strftime("%Y-%m-%d %H:%M:%S") for _, _, time in rows],
    }
    return pl.DataFrame(data, schema=dict.fromkeys(data, pl.String)).select(c.physical_name for c in stream.columns)


def land(conn: psycopg.Connection, stream: Stream, rows: list[Row], size: int) -> Landed:
    with connection.connect("loader", autocommit=True) as books:
        load_id = ledger.open_load(books, system="model", stream=stream.name, contract_version="1")
        lander = Lander(conn, stream, load_id, "1")
        conform = Conformer(stream, SERVER)
        try:
            for first in range(0, max(len(rows), 1), size):
                lander.add_batch(Batch.of(conform(frame(rows[first : first + size], stream)), stream))
            landed = lander.finish(complete=True)
        except MassDelete as error:
            conn.rollback()
            ledger.fail_load(books, load_id, str(error), state="held")
            raise
        commit(conn, load_id, landed)
        return landed


def test_a_load_that_is_given_up_while_its_rows_are_under_way_leaves_nothing(conn: psycopg.Connection) -> None:
    of, conform = STREAMS["by_arrival"], Conformer(STREAMS["by_arrival"], SERVER)
    emptied(conn, of)
    with connection.connect("loader", autocommit=True) as books:
        load_id = ledger.open_load(books, system="model", stream=of.name, contract_version="1")
        with pytest.raises(ZeroDivisionError), Lander(conn, of, load_id, "1") as lander:
            for key in range(2):
                lander.add_batch(Batch.of(conform(frame([(key, "a", 0)], of)), of))
            assert conn.info.transaction_status is TransactionStatus.ACTIVE, "one COPY is under way for both"
            raise ZeroDivisionError
        assert conn.info.transaction_status is TransactionStatus.INERROR
        conn.rollback()
        ledger.fail_load(books, load_id, "given up")
    assert current(conn, of) == {}


def current(conn: psycopg.Connection, stream: Stream) -> dict[int, tuple[str, int]]:
    time = sql.SQL("extract(epoch FROM changed_at)::bigint" if stream.cursor else "0")
    rows = conn.execute(
        sql.SQL("SELECT id, value_raw, {} FROM {} WHERE _to_load IS NULL").format(time, table_of(stream))
    ).fetchall()
    conn.commit()
    start = int(START.timestamp()) if stream.cursor else 0
    return {int(key[1:]): (value, seconds - start) for key, value, seconds in rows}


def history_balances(conn: psycopg.Connection, stream: Stream, landed: int) -> bool:
    """Every landed row is there, and no version ends before it begins, one is current."""
    row = conn.execute(
        sql.SQL(
            "SELECT count(*), count(*) FILTER (WHERE _to_load < _from_load), "
            "count(*) FILTER (WHERE _to_load IS NULL) - count(DISTINCT _key) FILTER (WHERE _to_load IS NULL) FROM {}"
        ).format(table_of(stream))
    ).fetchone()
    conn.commit()
    return row == (landed, 0, 0)


def figures(done: Landed) -> tuple[int, int, int, int, int]:
    return done.rows_in, done.landed, done.unchanged, done.quarantined, done.tombstoned


rows_of_a_pull = st.lists(
    st.tuples(st.integers(-1, 5), st.sampled_from(["a", "b", "c", "bad"]), st.integers(0, 4)), max_size=12
)
pulls = st.lists(st.tuples(rows_of_a_pull, st.integers(1, 13)), min_size=1, max_size=5)


@pytest.mark.parametrize("name", ["by_time", "by_arrival", "whole", "whole_by_time"])
@SETTINGS
@given(pulls=pulls)
def test_landing_does_what_the_model_does_for_any_pages(
    conn: psycopg.Connection, name: str, pulls: list[tuple[list[Row], int]]
) -> None:
    stream = STREAMS[name]
    emptied(conn, stream)
    model, landed = Model(stream), 0
    for rows, size in pulls:
        done = land(conn, stream, rows, size)
        landed += done.landed
        assert done.rows_in == done.landed + done.unchanged + done.quarantined
        assert figures(done) == figures(model.take(rows))
        assert current(conn, stream) == model.current
        assert history_balances(conn, stream, landed)


@pytest.mark.parametrize("name", ["by_time", "whole", "whole_by_time"])
@SETTINGS
@given(pulls=pulls)
def test_the_same_pull_again_lands_nothing(
    conn: psycopg.Connection, name: str, pulls: list[tuple[list[Row], int]]
) -> None:
    stream = STREAMS[name]
    emptied(conn, stream)
    for rows, size in pulls:
        first = land(conn, stream, rows, size)
        before = current(conn, stream)
        again = land(conn, stream, rows, 14 - size)
        assert (again.landed, again.tombstoned) == (0, 0)
        assert (again.rows_in, again.quarantined) == (first.rows_in, first.quarantined)
        assert current(conn, stream) == before


@SETTINGS
@given(pulls=pulls)
def test_old_pulls_sent_again_in_any_order_land_nothing(
    conn: psycopg.Connection, pulls: list[tuple[list[Row], int]]
) -> None:
    stream = STREAMS["by_time"]
    emptied(conn, stream)
    for rows, size in pulls:
        land(conn, stream, rows, size)
    before = current(conn, stream)
    for rows, size in reversed(pulls):
        assert land(conn, stream, rows, size).landed == 0
    assert current(conn, stream) == before


@SETTINGS
@given(files=pulls, again=st.integers(0, 4), mended=rows_of_a_pull)
def test_a_file_mended_and_all_behind_it_read_again_is_as_if_they_had_come_in_order(
    conn: psycopg.Connection, files: list[tuple[list[Row], int]], again: int, mended: list[Row]
) -> None:
    """Where nothing but their order tells which row is newer; a record that no file has any more stays as it was."""
    stream = STREAMS["by_arrival"]
    emptied(conn, stream)
    for rows, size in files:
        land(conn, stream, rows, size)
    before, again = current(conn, stream), min(again, len(files) - 1)
    files = [*files[:again], (mended, files[again][1]), *files[again + 1 :]]
    land(conn, stream, [row for rows, _ in files[again:] for row in rows], files[again][1])
    model = Model(stream)
    for rows, _ in files:
        model.take(rows)
    behind = {key for rows, _ in files[again:] for key, value, _ in rows if value != "bad"}
    assert {key: current(conn, stream)[key] for key in behind if key >= 0} == {
        key: model.current[key] for key in behind if key >= 0
    }
    assert {key: value for key, value in current(conn, stream).items() if key not in behind} == {
        key: value for key, value in before.items() if key not in behind
    }


@SETTINGS
@given(kept=st.integers(0, 60), size=st.integers(1, 61))
def test_a_mass_delete_is_held_and_changes_nothing(conn: psycopg.Connection, kept: int, size: int) -> None:
    """The limit is 10 %, and five may go without anybody being asked."""
    stream = STREAMS["guarded"]
    emptied(conn, stream)
    everybody: list[Row] = [(key, "a", 0) for key in range(60)]
    land(conn, stream, everybody, 60)
    if 60 - kept > 6:
        with pytest.raises(MassDelete, match=f"lacks {60 - kept} of 60 records"):
            land(conn, stream, everybody[:kept], size)
        assert len(current(conn, stream)) == 60
    else:
        assert land(conn, stream, everybody[:kept], size).tombstoned == 60 - kept
        assert len(current(conn, stream)) == kept


def test_a_record_that_vanished_and_comes_back_is_current_again(conn: psycopg.Connection) -> None:
    stream = STREAMS["whole"]
    emptied(conn, stream)
    both: list[Row] = [(1, "a", 0), (2, "b", 0)]
    land(conn, stream, both, 5)
    assert land(conn, stream, both[:1], 5).tombstoned == 1
    assert land(conn, stream, both, 5).landed == 1
    assert current(conn, stream) == {1: ("a", 0), 2: ("b", 0)}
    assert history_balances(conn, stream, 3)


def test_a_record_in_quarantine_is_not_taken_for_deleted(conn: psycopg.Connection) -> None:
    stream = STREAMS["whole"]
    emptied(conn, stream)
    land(conn, stream, [(1, "a", 0), (2, "b", 0)], 5)
    spoiled = land(conn, stream, [(1, "a", 0), (2, "bad", 0)], 5)
    assert (spoiled.quarantined, spoiled.tombstoned) == (1, 0)
    nameless = land(conn, stream, [(1, "a", 0), (-1, "b", 0)], 5)
    assert (nameless.quarantined, nameless.tombstoned) == (1, 0), "the row without a key may be the second record"
    assert current(conn, stream) == {1: ("a", 0), 2: ("b", 0)}
