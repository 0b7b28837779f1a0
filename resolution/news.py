"""What changed since a run: records that landed, that changed, and that are there no more.

What landed or was closed is asked of the landing tables, whose rows know the loads that wrote and closed them; a source
with no new load and as many rows as before has no news.
Retention deletes without a load: a source whose number of rows these changes do not explain is held against the ledger,
key by key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import psycopg
from psycopg import sql

from resolution import sources
from resolution.arrays import array
from resolution.source import Source
from resolution.things import SOURCES

_HELD: dict[str, pl.DataType] = dict.fromkeys(("record_key", "entity_key", "link_kind"), pl.String())


@dataclass(frozen=True)
class News:
    """`records` that are new or changed, as they are staged now; `held`: system, stream, record_key, entity_key and
    link_kind of records that changed or vanished, as the ledger has them."""

    records: pl.DataFrame
    held: pl.DataFrame


def since(conn: psycopg.Connection, kind: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> News:
    """What the fingerprint (`sources.fingerprint`) of `then` does not cover yet."""
    records, held = [], []
    for source in SOURCES[kind]:
        here, known = _of_source(conn, kind, source, then, now)
        records.append(here)
        held.append(known.select(pl.lit(source.system).alias("system"), pl.lit(source.stream).alias("stream"), *_HELD))
    return News(pl.concat(records), pl.concat(held))


def _of_source(
    conn: psycopg.Connection, kind: str, source: Source, then: Mapping[str, Any], now: Mapping[str, Any]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    load, rows = f"{source.system}.{source.stream}", sources.rows_of(source)
    if rows in then and all(then.get(name) == now.get(name) for name in (load, rows)):
        return _both(conn, kind, source, pl.Series([], dtype=pl.String))  # to look for what landed reads all of it
    keys = touched(conn, source, int(then.get(load, 0)))
    here, held = _both(conn, kind, source, keys)
    came = here.join(held, on="record_key", how="anti").height
    went = held.join(here, on="record_key", how="anti").height
    if rows not in then or now.get(rows) != then[rows] + came - went:
        staged, known = sources.keys(conn, source), _held_all(conn, kind, source)
        other = set(staged) ^ set(known)
        here, held = _both(conn, kind, source, pl.Series([*{*keys, *other}], dtype=pl.String))
    return here, held


def _both(conn: psycopg.Connection, kind: str, source: Source, keys: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Some records of a source: as they are staged, and as the ledger has them."""
    if keys.is_empty():
        return pl.DataFrame(schema=sources.SCHEMAS[kind]), pl.DataFrame(schema=_HELD)
    rows = conn.execute(
        "SELECT m.record_key, m.entity_key, m.link_kind FROM unnest(%s::text[]) AS k (key) JOIN resolution.membership m"
        " ON m.record_key = k.key AND (m.kind, m.system, m.stream) = (%s, %s, %s) AND m.to_run IS NULL",
        [array(keys), sources.entity_kind(kind), source.system, source.stream],
    ).fetchall()
    return sources.read_some(conn, source, sources.SCHEMAS[kind], keys), pl.DataFrame(rows, schema=_HELD, orient="row")


def touched(conn: psycopg.Connection, source: Source, load: int) -> pl.Series:
    """Keys of records of which a later load than this one wrote or closed a row."""
    query = sql.SQL(
        "SELECT DISTINCT ({key})::text FROM {table} WHERE _from_load > %(load)s OR _to_load > %(load)s"
    ).format(
        key=sql.SQL(source.record_key),
        table=sql.Identifier("landing", f"{source.system}__{source.stream}"),
    )
    return pl.Series([row[0] for row in conn.execute(query, {"load": load}).fetchall()], dtype=pl.String)


def _held_all(conn: psycopg.Connection, kind: str, source: Source) -> list[str]:
    query = (
        "SELECT record_key FROM resolution.membership WHERE (kind, system, stream) = (%s, %s, %s) AND to_run IS NULL"
    )
    return [row[0] for row in conn.execute(query, [sources.entity_kind(kind), source.system, source.stream]).fetchall()]
