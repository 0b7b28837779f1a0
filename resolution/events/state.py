"""What the warehouse keeps of events' records for the next run by changes: when each was, of what kind, and a hash.

The hash is of all that resolution reads of a record, so that a report that was only closed or assigned has not changed.
All of it follows from the records alone; every run writes it in the ledger's own transaction.
"""

from __future__ import annotations

import polars as pl
import polars_hash as plh
import psycopg

from resolution.events.blocks import half_of
from resolution.events.town import kind_of
from resolution.restoring import RECORD
from resolution.sources import EVENT_SCHEMA

TABLE = "event_record"
SCHEMA: dict[str, pl.DataType] = {
    **dict.fromkeys(RECORD, pl.String()), "kind": pl.String(), "half": pl.Int64(), "seen": pl.Int64(),
}  # fmt: skip
"""A record, its kind (null: it is like no other), the half of a day that it was in (`half_of`), its hash."""
_SAID = tuple(name for name in EVENT_SCHEMA if name not in (*RECORD, "at", "category", "state"))
_BETWEEN, _NOTHING = "\x1f", "\x00"


def rows_of(records: pl.DataFrame) -> pl.DataFrame:
    """`SCHEMA` of records (`sources.EVENT_SCHEMA`)."""
    said = records.with_columns(kind_of(records), half=half_of(pl.col("at")), time=pl.col("at").dt.epoch("us"))
    words = [pl.col(name).cast(pl.String).fill_null(_NOTHING) for name in ("kind", "time", *_SAID)]
    lines = said.with_columns(line=pl.concat_str(words, separator=_BETWEEN))
    seen = lines.select(seen=plh.col("line").nchash.xxh3_64(seed=0).reinterpret(signed=True))
    return pl.concat([said.drop("seen", strict=False), seen], how="horizontal").select(list(SCHEMA))


def read(conn: psycopg.Connection, records: pl.DataFrame) -> pl.DataFrame:
    """`SCHEMA` of those of some records (system, stream, record_key) that are kept."""
    rows = conn.execute(
        """SELECT e.* FROM unnest(%s::text[], %s::text[], %s::text[]) AS r (system, stream, record_key)
             JOIN resolution.event_record e USING (system, stream, record_key)""",
        [records[name].to_list() for name in RECORD],
    ).fetchall()
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def rewrite(conn: psycopg.Connection, rows: pl.DataFrame) -> None:
    """These are all the records (`SCHEMA`) that there are."""
    conn.execute("TRUNCATE resolution.event_record")
    _copy(conn, rows.sort(RECORD))


def replace(conn: psycopg.Connection, gone: pl.DataFrame, rows: pl.DataFrame) -> None:
    """Records (system, stream, record_key) that changed or are gone, and what is kept of new and changed ones."""
    conn.execute(
        "DELETE FROM resolution.event_record e USING unnest(%s::text[], %s::text[], %s::text[])"
        " AS g (system, stream, record_key)"
        " WHERE (e.system, e.stream, e.record_key) = (g.system, g.stream, g.record_key)",
        [gone[name].to_list() for name in RECORD],
    )
    _copy(conn, rows)


def _copy(conn: psycopg.Connection, rows: pl.DataFrame) -> None:
    with conn.cursor().copy(
        "COPY resolution.event_record (system, stream, record_key, kind, half, seen) FROM STDIN (FORMAT CSV)"
    ) as copy:
        copy.write(rows.select(list(SCHEMA)).write_csv(include_header=False))
