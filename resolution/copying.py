"""Rows of a frame into a table by COPY: as text, or in PostgreSQL's binary form.

Numbers and plain texts are made and read in half the time in binary; coded texts (`residents.coding`) are not, for they
would have to become plain ones first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

import pgpq
import polars as pl
import psycopg
from psycopg import sql

ROWS_AT_ONCE = 100_000


def as_text(conn: psycopg.Connection, table: str, rows: pl.DataFrame) -> None:
    """`rows` into the table resolution.`table`, whose columns have the same names."""
    with conn.cursor().copy(_statement(table, rows.columns, "CSV")) as copy:
        for part in rows.iter_slices(ROWS_AT_ONCE):
            written = BytesIO()  # a text of it would be decoded here and encoded there
            part.write_csv(written, include_header=False)
            copy.write(written.getbuffer())


def as_binary(conn: psycopg.Connection, table: str, parts: Iterable[pl.DataFrame]) -> None:
    """The same of parts of one schema, whose types are those of the table's columns: no coded texts."""
    told = (part for part in parts if part.height)
    first = next(told, None)
    if first is None:
        return
    with conn.cursor().copy(_statement(table, first.columns, "BINARY")) as copy:
        for written in _encoded(first, told):
            copy.write(written)


def _encoded(first: pl.DataFrame, rest: Iterator[pl.DataFrame]) -> Iterator[bytes]:
    batch = _batch(first)
    encoder = pgpq.ArrowToPostgresBinaryEncoder(batch.schema)
    yield encoder.write_header() + encoder.write_batch(batch)
    for part in rest:
        yield encoder.write_batch(_batch(part))
    yield encoder.finish()


def _batch(rows: pl.DataFrame) -> Any:
    """One Arrow batch; polars' own texts are views, which the encoder does not know."""
    return rows.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks().to_batches()[0]


def _statement(table: str, columns: list[str], form: str) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT {})").format(
        sql.Identifier("resolution", table), names, sql.SQL(form)
    )
