"""Rows copied into a table: what is read back is what was given, in either form, however many parts there are."""

from __future__ import annotations

import polars as pl
import psycopg
import pytest

from resolution import copying

TYPES = "number bigint, small smallint, sure boolean, said text"
ROWS = pl.DataFrame(
    {
        "number": [-(2**63), 0, 2**63 - 1, None],
        "small": pl.Series([1930, None, -1, 7], dtype=pl.Int16),
        "sure": [True, False, None, True],
        "said": ['王伟, "三"', "", None, "a\\b\n"],
    }
)


@pytest.fixture
def conn(fresh_database: str) -> psycopg.Connection:
    conn = psycopg.connect(fresh_database)
    conn.execute(f"CREATE TABLE resolution.copied ({TYPES})".encode())
    return conn


def copied(conn: psycopg.Connection) -> list[tuple[object, ...]]:
    return sorted(conn.execute("SELECT number, small, sure, said FROM resolution.copied").fetchall(), key=repr)


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_what_is_copied_is_what_was_given(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(copying, "ROWS_AT_ONCE", at_once)
    copying.as_text(conn, "copied", ROWS)
    assert copied(conn) == sorted(ROWS.rows(), key=repr)
    conn.execute("TRUNCATE resolution.copied")
    copying.as_binary(conn, "copied", ROWS.iter_slices(at_once))
    assert copied(conn) == sorted(ROWS.rows(), key=repr)


def test_nothing_is_copied_of_nothing(conn: psycopg.Connection) -> None:
    copying.as_text(conn, "copied", ROWS.clear())
    copying.as_binary(conn, "copied", [ROWS.clear()])
    copying.as_binary(conn, "copied", [])
    assert copied(conn) == []
