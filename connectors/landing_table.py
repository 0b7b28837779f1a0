"""One landing table as a load reads and writes it: current versions, earlier ones, rows closed and rows appended."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import numpy.typing as npt
import polars as pl
import psycopg
from psycopg import sql

from connectors.contract import Stream
from connectors.copy_binary import Copying, decode_versions, hash_bytes
from connectors.known_versions import Part
from connectors.limits import SLOW_CLOCK
from connectors.ordering import Mask
from connectors.tables import create_index, landing_columns, table_of
from connectors.version_runs import Hashes
from connectors.versions import Versions, no_numbers

BLOCKS = 1_024
"""So many blocks of a table are read at a time: 8 MB, which is 30,000 rows or, of narrow ones, 120,000."""


class LandingTable:
    """The table of one stream, inside the caller's transaction; see `connectors.landing`."""

    def __init__(self, conn: psycopg.Connection, stream: Stream, load_id: int, *, reclock: bool = False) -> None:
        self._conn = conn
        self._stream = stream
        self._load_id = load_id
        self._table = table_of(stream)
        self._reclock = reclock
        self._copying: Copying | None = None

    @property
    def _free(self) -> psycopg.Connection:
        """The connection, which takes no other statement while rows are copied."""
        self.end_copy()
        return self._conn

    def end_copy(self) -> None:
        """Let PostgreSQL end the COPY that is under way; raises what it says of the rows."""
        copying, self._copying = self._copying, None
        if copying is not None:
            copying.end()

    def abandon(self) -> None:
        """End the COPY that is under way because the load is given up: the transaction can only be rolled back."""
        copying, self._copying = self._copying, None
        if copying is not None:
            copying.abandon()

    def is_empty(self) -> bool:
        return self._free.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(self._table)).fetchone() is None

    def close_all(self) -> int:
        """Close every current version; how many there were."""
        close = sql.SQL("UPDATE {} SET _to_load = %s WHERE _to_load IS NULL").format(self._table)
        return self._free.execute(close, [self._load_id]).rowcount

    def vanished(self) -> int:
        """How many records stood before this load, which closed all of them, and do not stand now."""
        query = sql.SQL(
            """SELECT count(*) FROM {table} AS past WHERE past._to_load = %(load)s AND past._from_load < %(load)s
                AND NOT EXISTS (SELECT FROM {table} AS now WHERE now._key = past._key AND now._to_load IS NULL)"""
        ).format(table=self._table)
        row = self._free.execute(query, {"load": self._load_id}).fetchone()
        return int(row[0]) if row else 0

    def create_index(self) -> None:
        """Built once over all rows it costs a third of growing row by row."""
        create_index(self._free, self._stream)

    def analyze(self) -> None:
        """The build follows at once: without figures the planner would join a large table in a loop.

        A sample of 6,000 rows tells it enough and costs a fifth of the usual one.
        """
        self._free.execute("SET LOCAL default_statistics_target = 20")
        self._free.execute(sql.SQL("ANALYZE {}").format(self._table))

    def versions_of(self, keys: Hashes) -> Versions:
        """The current versions of some keys."""
        query = sql.SQL(
            "COPY (SELECT _key, _hash, {} FROM {} WHERE _to_load IS NULL AND _key = ANY ({}::uuid[]))"
            " TO STDOUT (FORMAT BINARY)"
        ).format(self._number(), self._table, sql.Literal(_uuid_texts(keys)))
        with self._free.cursor().copy(query) as copy:
            return Versions(*decode_versions(b"".join(bytes(block) for block in copy)))

    def all_versions(self) -> Versions:
        """All current versions, a range of the table's blocks at a time: row by row, a million of them take a second
        of this process and a hundred megabytes. One statement, so that all are of one moment."""
        timed = self._stream.cursor is not None
        query = sql.SQL(
            """SELECT part.*
                 FROM generate_series(0, pg_relation_size({name}) / current_setting('block_size')::int, {step})
                      AS first,
                      LATERAL (SELECT string_agg(uuid_send(_key), ''), string_agg(uuid_send(_hash), ''){numbers}
                                 FROM {table}
                                WHERE _to_load IS NULL AND ctid >= format('(%s,0)', first)::tid
                                  AND ctid < format('(%s,0)', first + {step})::tid) AS part
                WHERE part IS NOT NULL"""
        ).format(
            name=sql.Literal(self._table.as_string()), step=sql.Literal(BLOCKS), table=self._table,
            numbers=sql.SQL(", string_agg(int8send({}), '')").format(self._number()) if timed else sql.SQL(""),
        )  # fmt: skip
        with self._free.cursor("versions", binary=True) as parts:
            parts.itersize = 1  # a part is megabytes
            parts.execute(query)
            return Versions.of_parts(_part(*row) for row in parts)

    def _number(self) -> sql.Composable:
        """The time of change of a row, as `versions.version_numbers` counts it."""
        cursor = self._stream.cursor
        if cursor is None:
            return sql.SQL("0::bigint")
        number = sql.SQL("(extract(epoch FROM {}) * 1000000)::bigint").format(sql.Identifier(cursor.name))
        if not self._reclock:
            return number
        oldest = sql.Literal(np.iinfo(np.int64).min + 1)
        return sql.SQL("CASE WHEN _from_load < {} THEN {} ELSE {} END").format(self._load_id, oldest, number)

    def in_history(self, keys: Hashes, hashes: Hashes, rows: Mask) -> Mask:
        """Which of the given rows stand in the table as earlier versions, key and content alike."""
        query = sql.SQL(
            "COPY (SELECT _key, _hash, 0::bigint FROM {} WHERE _key = ANY ({}::uuid[])) TO STDOUT (FORMAT BINARY)"
        ).format(self._table, sql.Literal(_uuid_texts(keys[rows])))
        with self._free.cursor().copy(query) as copy:
            past_keys, past_hashes, _ = decode_versions(b"".join(bytes(block) for block in copy))
        past = set(zip(hash_bytes(past_keys), hash_bytes(past_hashes), strict=True))
        found = np.zeros(len(rows), dtype=np.bool_)
        pairs = zip(hash_bytes(keys[rows]), hash_bytes(hashes[rows]), strict=True)
        found[rows] = [pair in past for pair in pairs]
        return found

    def newer_since(self, keys: Hashes, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """From which time of change on a version of each key is newer than the current one, whose own is given.

        That is its own, unless it is ahead of the load that brought it: then it had happened by that load's beginning,
        and a clock may be slow by `SLOW_CLOCK` as well.
        """
        query = sql.SQL(
            """SELECT t._key, (extract(epoch FROM l.started_at - %s) * 1000000)::bigint
                 FROM {table} AS t JOIN control.load AS l ON l.load_id = t._from_load
                WHERE t._to_load IS NULL AND t._from_load <> %s AND t.{cursor} > l.started_at
                  AND t._key = ANY (%s::uuid[])"""
        ).format(table=self._table, cursor=sql.Identifier(self._stream.cursor.name if self._stream.cursor else ""))
        found: dict[UUID, int] = dict(
            self._free.execute(query, [SLOW_CLOCK, self._load_id, _uuid_texts(keys)]).fetchall()
        )
        if not found:
            return numbers
        own = zip(hash_bytes(keys), numbers.tolist(), strict=True)
        return np.array([min(number, found.get(UUID(bytes=key), number)) for key, number in own], dtype=np.int64)

    def copy(self, rows: pl.DataFrame, keys: Hashes, hashes: Hashes, kept: Mask, is_current: Mask) -> None:
        """Append the rows that are `kept`. The COPY stays open for those of the next call, until `end_copy` or any
        other statement: PostgreSQL takes in what it has while the next rows are made ready."""
        if not kept.any():
            return
        if not kept.all():
            rows, keys, hashes, is_current = rows.filter(kept), keys[kept], hashes[kept], is_current[kept]
        columns = list(landing_columns(self._stream))
        load = pl.Series("_from_load", [self._load_id], dtype=pl.Int64).new_from_index(0, len(rows))
        to_load = load.clear(len(rows)) if is_current.all() else load.set(pl.Series(is_current), None)
        frame = pl.DataFrame([*map(rows.get_column, columns), load, to_load.alias("_to_load")])
        if self._copying is None:
            statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
                self._table, sql.SQL(", ").join(map(sql.Identifier, [*frame.columns, "_key", "_hash"]))
            )
            self._copying = Copying(self._conn, statement)
        self._copying.write(frame, {"_key": keys, "_hash": hashes})

    def close(self, keys: Hashes) -> int:
        if not len(keys):
            return 0
        return self._free.execute(
            sql.SQL(
                "UPDATE {} AS t SET _to_load = %s FROM unnest(%s::uuid[]) AS closed(key) "
                "WHERE t._key = closed.key AND t._to_load IS NULL"
            ).format(self._table),
            [self._load_id, _uuid_texts(keys)],
        ).rowcount


def _part(keys: bytes, hashes: bytes, numbers: bytes | None = None) -> Part:
    """Versions as the database tells them: the wire form of their columns, one after the other."""
    halves, contents = (
        np.frombuffer(column, dtype=">u8").astype(np.uint64).reshape(-1, 2) for column in (keys, hashes)
    )
    if numbers is None:
        return halves, contents, no_numbers(len(halves))
    return halves, contents, np.frombuffer(numbers, dtype=">i8").astype(np.int64)


def _uuid_texts(keys: Hashes) -> list[str]:
    return [value.hex() for value in hash_bytes(keys)]
