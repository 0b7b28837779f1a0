"""Binary COPY: every type through PostgreSQL and back, amounts to the fen, 128-bit hashes to the bit."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.copy_binary import BinaryCopy, decode_versions, hash_array, hash_bytes
from connectors.rules import TIMESTAMP
from connectors.version_runs import Hashes

IN_DATABASE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

TYPES: dict[str, tuple[pl.DataType, str]] = {
    "t": (pl.String(), "text"),
    "i": (pl.Int64(), "bigint"),
    "f": (pl.Float64(), "double precision"),
    "a": (pl.Decimal(18, 2), "numeric(18,2)"),
    "d": (pl.Date(), "date"),
    "z": (TIMESTAMP, "timestamptz"),
    "b": (pl.Boolean(), "boolean"),
}
half = st.integers(0, 2**64 - 1)
amounts = st.decimals(Decimal("-9999999999999999.99"), Decimal("9999999999999999.99"), places=2)
values = st.fixed_dictionaries(
    {
        "t": st.none() | st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=20),
        "i": st.none() | st.integers(-(2**63), 2**63 - 1),
        "f": st.none() | st.floats(allow_nan=False),
        "a": st.none() | amounts,
        "d": st.none() | st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31)),
        "z": st.none() | st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30), timezones=st.just(dt.UTC)),
        "b": st.none() | st.booleans(),
        "k": st.tuples(half, half),
    }
)


@pytest.fixture
def table(conn: psycopg.Connection) -> psycopg.Connection:
    columns = ", ".join(f"{name} {kind}" for name, (_, kind) in TYPES.items())
    conn.execute(f"CREATE TEMP TABLE arrived (row integer GENERATED ALWAYS AS IDENTITY, {columns}, k uuid)")
    return conn


def hashes(rows: list[dict[str, object]]) -> Hashes:
    return np.array([row["k"] for row in rows], dtype=np.uint64).reshape(-1, 2)


@IN_DATABASE
@given(batches=st.lists(st.lists(values, min_size=1, max_size=8), min_size=1, max_size=3))
def test_all_types_come_back_as_they_went(table: psycopg.Connection, batches: list[list[dict[str, object]]]) -> None:
    table.execute("TRUNCATE arrived RESTART IDENTITY")
    encoder = BinaryCopy()
    with table.cursor().copy(f"COPY arrived ({', '.join(TYPES)}, k) FROM STDIN (FORMAT BINARY)") as copy:
        for batch in batches:
            frame = pl.DataFrame([{name: row[name] for name in TYPES} for row in batch], schema=schema(), orient="row")
            copy.write(encoder.encode(frame, {"k": hashes(batch)}))
        copy.write(encoder.finish())
    back = table.execute(f"SELECT {', '.join(TYPES)}, k FROM arrived ORDER BY row").fetchall()
    sent = [row for batch in batches for row in batch]
    assert [row[:-1] for row in back] == [tuple(row[name] for name in TYPES) for row in sent]
    assert [row[-1].bytes for row in back] == hash_bytes(hashes(sent))


def schema() -> dict[str, pl.DataType]:
    return {name: kind for name, (kind, _) in TYPES.items()}


@IN_DATABASE
@given(st.lists(st.none() | amounts, min_size=1, max_size=20))
@pytest.mark.parametrize("extreme", [Decimal("0.00"), Decimal("-0.01"), Decimal("10000.00"), None])
def test_an_amount_counts_and_looks_like_one_that_postgresql_made(
    table: psycopg.Connection, extreme: Decimal | None, sums: list[Decimal | None]
) -> None:
    """Not only equal in value: the same text, sum and hash, so that indexes and joins hold."""
    table.execute("TRUNCATE arrived RESTART IDENTITY")
    sums = [*sums, extreme]
    encoder = BinaryCopy()
    with table.cursor().copy("COPY arrived (a) FROM STDIN (FORMAT BINARY)") as copy:
        frame = pl.DataFrame({"a": pl.Series(sums, dtype=pl.Decimal(18, 2))})
        copy.write(encoder.encode(frame, {}) + encoder.finish())
    with table.cursor() as writer:
        writer.execute(
            "CREATE TEMP TABLE IF NOT EXISTS made (row integer GENERATED ALWAYS AS IDENTITY, a numeric(18,2))"
        )
        writer.execute("TRUNCATE made RESTART IDENTITY")
        writer.executemany("INSERT INTO made (a) VALUES (%s)", [(value,) for value in sums])
        differing = writer.execute(
            "SELECT count(*) FROM arrived JOIN made USING (row) WHERE arrived.a IS DISTINCT FROM made.a "
            "OR arrived.a::text IS DISTINCT FROM made.a::text "
            "OR hash_numeric(arrived.a) IS DISTINCT FROM hash_numeric(made.a)"
        ).fetchone()
        totals = writer.execute("SELECT (SELECT sum(a) FROM arrived), (SELECT sum(a) FROM made)").fetchone()
    assert differing == (0,)
    assert totals is not None and totals[0] == totals[1]


@IN_DATABASE
@given(st.lists(st.tuples(half, half, half, half, st.integers(-(2**63), 2**63 - 1)), max_size=8))
def test_versions_are_read_back_as_they_stand(
    conn: psycopg.Connection, rows: list[tuple[int, int, int, int, int]]
) -> None:
    conn.execute("CREATE TEMP TABLE IF NOT EXISTS kept (key uuid, hash uuid, version bigint)")
    conn.execute("TRUNCATE kept")
    keys = np.array([row[:2] for row in rows], dtype=np.uint64).reshape(-1, 2)
    contents = np.array([row[2:4] for row in rows], dtype=np.uint64).reshape(-1, 2)
    numbers = np.array([row[4] for row in rows], dtype=np.int64)
    if rows:
        encoder = BinaryCopy()
        frame = pl.DataFrame({"version": numbers})
        with conn.cursor().copy("COPY kept (version, key, hash) FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(encoder.encode(frame, {"key": keys, "hash": contents}) + encoder.finish())
    with conn.cursor().copy("COPY kept TO STDOUT (FORMAT BINARY)") as copy:
        back = decode_versions(b"".join(bytes(block) for block in copy))
    for was, now in zip((keys, contents, numbers), back, strict=True):
        assert was.tolist() == now.tolist()


def test_versions_of_another_layout_are_refused(conn: psycopg.Connection) -> None:
    with conn.cursor().copy("COPY (SELECT 1, 2) TO STDOUT (FORMAT BINARY)") as copy:
        data = b"".join(bytes(block) for block in copy)
    with pytest.raises(ValueError):
        decode_versions(data)


def test_hashes_are_big_endian_everywhere() -> None:
    one = np.array([[1, 2**63 + 5]], dtype=np.uint64)
    assert hash_bytes(one) == [bytes([0] * 7 + [1, 0x80] + [0] * 6 + [5])]
    assert hash_array(one).to_pylist() == hash_bytes(one)
    assert hash_array(np.empty((0, 2), dtype=np.uint64)).to_pylist() == []
