"""Landing: accepted rows, rejected rows, cursor and ledger entry in one transaction.

Landing tables are change logs. A row is appended only when its content differs from the current version of its
key; the version it replaces is closed (`_to_load`). Each row is valid for the loads `[_from_load, _to_load)`, so
the current version is `_to_load IS NULL` and history is there for slowly changing dimensions.

Of two versions of a key the one with the later cursor is current; one that comes late is kept as history (see
`connectors.ordering`). Equal content is `unchanged`, however often it is sent.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import psycopg
from psycopg import sql

from connectors.conform import REJECTED_SCHEMA, Conformed, Outcome, payloads, record_keys
from connectors.contract import Column, Stream
from connectors.copy_binary import BinaryCopy, decode_versions, hash_bytes
from connectors.ordering import Arrived, Mask, Ruling, by_arrival, by_time, first_only
from connectors.quarantine_store import store_additions, store_rejects
from connectors.settlement import HeldRows
from connectors.tables import create_index, landing_columns, table_of
from connectors.versions import Hashes, Versions, content_hashes, key_hashes, version_numbers
from warehouse import ledger

MOST_ADDITIONS = 10_000
"""So many rows of a load keep their fields that no contract describes: enough to see what the columns are."""
FEW_RECORDS = 25
"""A register so small may be broken by half without a collapse being meant."""
LOOKUP_ROWS = 20_000
"""Up to so many rows are looked up by key; beyond it reading all current hashes once is cheaper."""


class Held(Exception):
    """A snapshot that takes away more than its contract allows: nothing of it is applied until a person lets it."""

    kind = ""

    def __init__(self, message: str, **detail: Any) -> None:
        super().__init__(message)
        self.detail = detail


class MassDelete(Held):
    """A snapshot would close more records than its contract allows."""

    kind = "mass_delete"


class VolumeCollapse(Held):
    """Of a register that was full, a snapshot has few good rows left: the others came, but broken."""

    kind = "volume_collapse"


@dataclass(frozen=True)
class Allowed:
    """What a named person has let through: so many deletions, or a collapse of the volume."""

    deletes: int = 0
    collapse: bool = False


@dataclass
class Landed:
    """What became of the rows of one load; `rows_in` = landed + unchanged + quarantined, always."""

    rows_in: int = 0
    landed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    tombstoned: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    newest: int | None = None
    """Highest cursor value among accepted rows, microseconds since 1970 UTC."""
    settled: int = 0
    """Rows held before that the source has settled by what it sent."""
    deletions_withheld: int = 0
    """Records that a snapshot lacked and that were not closed, because a row of it could be any of them."""
    added_columns: Counter[str] = field(default_factory=Counter)
    """Columns that no contract describes, with the accepted rows that came with them."""

    @property
    def notes(self) -> dict[str, Any]:
        """What a person should know of the load that is no defect of a row."""
        found = {
            "held_rows_settled": self.settled,
            "deletions_withheld": self.deletions_withheld,
            "added_columns": dict(self.added_columns),
        }
        return {name: value for name, value in found.items() if value}

    @property
    def defects(self) -> list[tuple[str, str, str, int]]:
        """(column, reason, outcome, rows), in order."""
        return [(*outcome, rows) for outcome, rows in sorted(self.outcomes.items())]


def commit(
    conn: psycopg.Connection,
    load_id: int,
    landed: Landed,
    *,
    cursor: dict[str, Any] | None = None,
    bytes_in: int = 0,
    seconds: dict[str, float] | None = None,
    source_time: datetime | None = None,
) -> None:
    """Write the load's figures, its cursor and its defects into the ledger and commit all of it with the rows."""
    ledger.commit_load(
        conn,
        load_id,
        rows_in=landed.rows_in,
        landed=landed.landed,
        unchanged=landed.unchanged,
        quarantined=landed.quarantined,
        tombstoned=landed.tombstoned,
        bytes_in=bytes_in,
        cursor=cursor,
        seconds=seconds or {},
        defects=landed.defects,
        source_time=source_time,
        notes=landed.notes,
    )
    conn.commit()


@dataclass(frozen=True)
class Batch:
    """A conformed page with what landing compares of each accepted row: key, content, time of change."""

    page: Conformed
    keys: Hashes
    hashes: Hashes
    numbers: npt.NDArray[np.int64]

    @classmethod
    def of(cls, page: Conformed, stream: Stream) -> Batch:
        rows = page.accepted
        keys = key_hashes(record_keys(rows, stream))
        return cls(page, keys, content_hashes(rows, stream), version_numbers(rows, stream))


class Lander:
    """One load under way, inside the caller's transaction. Nothing is visible before the caller commits.

    The caller holds the stream's lock: two loads of one stream would each take the other's rows for absent.
    """

    def __init__(
        self,
        conn: psycopg.Connection,
        stream: Stream,
        load_id: int,
        contract_version: str,
        *,
        replay: bool = False,
        rekey: bool = False,
    ) -> None:
        """With `rekey`, every current version is closed first: its key was made of other columns."""
        self._conn = conn
        self._stream = stream
        self._load_id = load_id
        self._contract_version = contract_version
        self._table = table_of(stream)
        self._rejected: list[pl.DataFrame] = []
        self._added: dict[str, str] = {}
        self._held = None if replay else HeldRows(conn, stream, load_id)
        self._nameless = False
        self.result = Landed()
        self._closed = 0
        if rekey:
            close = sql.SQL("UPDATE {} SET _to_load = %s WHERE _to_load IS NULL").format(self._table)
            self._closed = conn.execute(close, [load_id]).rowcount
        self._first = conn.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(self._table)).fetchone() is None
        self._replay = replay
        self._versions: Versions | None = None
        if self._first or stream.load == "snapshot":
            self._versions = self._read_versions()

    def add(self, page: Conformed, *, standing: bool = False) -> None:
        """Land one conformed page; see `add_batch`."""
        self.add_batch(Batch.of(page, self._stream), standing=standing)

    def add_batch(self, batch: Batch, *, standing: bool = False) -> None:
        """Land one batch.

        With `standing`, what is current stands against rows of a snapshot that nothing says to be newer.
        """
        page, keys = batch.page, batch.keys
        self.result.rows_in += len(page.accepted) + len(page.rejected)
        self.result.outcomes += page.outcomes
        versions = self._versions_for(keys)
        rejected_keys = page.rejected["record_key"].drop_nulls()
        if self._stream.load == "snapshot":
            versions.mark_seen(keys)
            versions.mark_seen(key_hashes(rejected_keys))
            self._nameless |= len(rejected_keys) < len(page.rejected)
        self._reject(page.rejected)
        self._append(batch, versions, standing)
        if self._held is not None:
            self._held.answer(keys, batch.numbers)

    def finish(self, *, complete: bool, allowed: Allowed = Allowed()) -> Landed:
        """Tombstones (for a complete snapshot), index and quarantine. Raises `Held` above the contract's limit.

        A rejected row whose key cannot be read may be any of the records that seem absent: none is closed then.
        """
        whole = self._stream.load == "snapshot" and complete
        if self._closed and not allowed.collapse:
            self._check_backfill()
        if whole and not allowed.collapse:
            self._check_volume()
        if whole and self._nameless:
            self.result.deletions_withheld = len(self._absent())
        elif whole:
            self._close_absent(allowed.deletes)
        if self._first:
            # Built once over all rows it costs a third of growing row by row.
            create_index(self._conn, self._stream)
        if self._first or self.result.landed > LOOKUP_ROWS:
            # The build follows at once: without figures the planner would join a large table in a loop. A sample
            # of 6,000 rows tells it enough and costs a fifth of the usual one.
            self._conn.execute("SET LOCAL default_statistics_target = 20")
            self._conn.execute(sql.SQL("ANALYZE {}").format(self._table))
        store_rejects(
            self._conn, self._stream, self._load_id, self._contract_version,
            pl.concat(self._rejected) if self._rejected else pl.DataFrame(schema=REJECTED_SCHEMA),
            replay=self._replay,
        )  # fmt: skip
        store_additions(self._conn, self._stream, self._load_id, self._added)
        if self._held is not None:
            self.result.settled = self._held.settle(whole=whole)
        return self.result

    def _keep_additions(self, page: Conformed, landed: Mask) -> None:
        self.result.added_columns.update(dict.fromkeys(page.added_columns, int(landed.sum())))
        if page.added is None or len(self._added) >= MOST_ADDITIONS:
            return
        rows = (pl.Series(landed) & page.added.is_not_null()).arg_true().head(MOST_ADDITIONS - len(self._added))
        keys = record_keys(page.accepted[rows], self._stream)
        self._added |= dict(zip(keys, page.added[rows], strict=True))

    def _check_volume(self) -> None:
        known = len(self._versions_for(np.empty((0, 2), dtype=np.uint64)))
        good, limit = self.result.landed + self.result.unchanged, self._stream.max_delete_share
        if known > FEW_RECORDS and good < (1 - limit) * known and self.result.quarantined > limit * known:
            message = f"{self.result.quarantined} of {self.result.rows_in} rows are broken; {known} records are known"
            raise VolumeCollapse(message, known=known, good=good, broken=self.result.quarantined, limit=limit)

    def _check_backfill(self) -> None:
        """What was current is closed: a source that does not send it again must not empty the stream unseen."""
        good, limit = self.result.landed + self.result.unchanged, self._stream.max_delete_share
        if good < (1 - limit) * self._closed:
            message = f"read again, the source gave {good} good rows; {self._closed} records were current"
            raise VolumeCollapse(message, known=self._closed, good=good, broken=self.result.quarantined, limit=limit)

    def _append(self, batch: Batch, versions: Versions, standing: bool) -> None:
        rows, keys, hashes, numbers = batch.page.accepted, batch.keys, batch.hashes, batch.numbers
        if len(numbers) and self._stream.cursor is not None:
            self.result.newest = max(int(numbers.max()), self.result.newest or 0)
        page = Arrived(keys, hashes, numbers, *versions.find(keys))
        ruling = self._ruled(page, versions, standing)
        if ruling.conflict.any():
            self._reject_conflicts(rows.filter(ruling.conflict))
        self._keep_additions(batch.page, ruling.landed)
        self.result.landed += int(ruling.landed.sum())
        self.result.unchanged += int((~ruling.landed & ~ruling.conflict).sum())
        self._close(keys[ruling.current & page.there])
        self._copy(rows, keys, hashes, ruling.landed, ruling.current)
        versions.add(keys[ruling.current], hashes[ruling.current], numbers[ruling.current])

    def _ruled(self, page: Arrived, versions: Versions, standing: bool) -> Ruling:
        if self._stream.cursor is not None:
            return by_time(page, lambda rows: self._in_history(page.keys, page.hashes, rows))
        if self._stream.load != "snapshot":
            return by_arrival(page)
        ruling = first_only(page, page.there if standing else versions.decided(page.keys))
        versions.mark_decided(page.keys)
        return ruling

    def _copy(self, rows: pl.DataFrame, keys: Hashes, hashes: Hashes, kept: Mask, is_current: Mask) -> None:
        if not kept.any():
            return
        if not kept.all():
            rows, keys, hashes, is_current = rows.filter(kept), keys[kept], hashes[kept], is_current[kept]
        columns = list(landing_columns(self._stream))
        to_load = pl.select(pl.when(pl.Series(~is_current)).then(pl.lit(self._load_id, dtype=pl.Int64))).to_series()
        frame = rows.select(columns).with_columns(
            pl.lit(self._load_id, dtype=pl.Int64).alias("_from_load"), to_load.alias("_to_load")
        )
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            self._table, sql.SQL(", ").join(map(sql.Identifier, [*frame.columns, "_key", "_hash"]))
        )
        encoder = BinaryCopy()
        with self._conn.cursor().copy(statement) as copy:
            for block in encoder.blocks(frame, {"_key": keys, "_hash": hashes}):
                copy.write(block)
            copy.write(encoder.finish())

    def _close(self, keys: Hashes) -> int:
        if not len(keys):
            return 0
        return self._conn.execute(
            sql.SQL(
                "UPDATE {} AS t SET _to_load = %s FROM unnest(%s::uuid[]) AS closed(key) "
                "WHERE t._key = closed.key AND t._to_load IS NULL"
            ).format(self._table),
            [self._load_id, _uuid_texts(keys)],
        ).rowcount

    def _absent(self) -> Hashes:
        """Keys of the records that this snapshot did not hold."""
        return self._versions_for(np.empty((0, 2), dtype=np.uint64)).absent()

    def _close_absent(self, allowed_deletes: int) -> None:
        versions = self._versions_for(np.empty((0, 2), dtype=np.uint64))
        absent = versions.absent()
        limit = self._stream.max_delete_share
        # A handful may go from a small register without anybody being asked, but never half of it.
        handful = min(5, len(versions) // 2) if limit else 0
        if len(absent) > max(handful, allowed_deletes, limit * len(versions)):
            message = f"the snapshot lacks {len(absent)} of {len(versions)} records, the contract allows {limit:.0%}"
            raise MassDelete(message, known=len(versions), absent=len(absent), limit=limit)
        self.result.tombstoned = self._close(absent)

    def _versions_for(self, keys: Hashes) -> Versions:
        """Current versions for a page: by key for the small pulls of every day, all of them for large ones."""
        if self._versions is None:
            if len(keys) <= LOOKUP_ROWS and self.result.rows_in <= LOOKUP_ROWS:
                return self._read_versions(keys)
            self._versions = self._read_versions()
        return self._versions

    def _read_versions(self, keys: Hashes | None = None) -> Versions:
        cursor = self._stream.cursor
        number: sql.Composable = sql.SQL("0::bigint")
        if cursor is not None:
            number = sql.SQL("(extract(epoch FROM {}) * 1000000)::bigint").format(sql.Identifier(cursor.name))
        wanted: sql.Composable = sql.SQL("")
        if keys is not None:
            wanted = sql.SQL(" AND _key = ANY ({}::uuid[])").format(sql.Literal(_uuid_texts(keys)))
        query = sql.SQL(
            "COPY (SELECT _key, _hash, {} FROM {} WHERE _to_load IS NULL{}) TO STDOUT (FORMAT BINARY)"
        ).format(number, self._table, wanted)
        with self._conn.cursor().copy(query) as copy:
            return Versions(*decode_versions(b"".join(bytes(block) for block in copy)))

    def _in_history(self, keys: Hashes, hashes: Hashes, rows: Mask) -> Mask:
        """Which of the given rows stand in the table as earlier versions, key and content alike."""
        query = sql.SQL(
            "COPY (SELECT _key, _hash, 0::bigint FROM {} WHERE _key = ANY ({}::uuid[])) TO STDOUT (FORMAT BINARY)"
        ).format(self._table, sql.Literal(_uuid_texts(keys[rows])))
        with self._conn.cursor().copy(query) as copy:
            past_keys, past_hashes, _ = decode_versions(b"".join(bytes(block) for block in copy))
        past = set(zip(hash_bytes(past_keys), hash_bytes(past_hashes), strict=True))
        found = np.zeros(len(rows), dtype=np.bool_)
        pairs = zip(hash_bytes(keys[rows]), hash_bytes(hashes[rows]), strict=True)
        found[rows] = [pair in past for pair in pairs]
        return found

    def _reject(self, rejected: pl.DataFrame) -> None:
        if len(rejected):
            self.result.quarantined += len(rejected)
            self._rejected.append(rejected)

    def _reject_conflicts(self, rows: pl.DataFrame) -> None:
        key = self._stream.primary_key[0].name
        self.result.outcomes[(key, "conflicting_duplicate", "quarantined")] += len(rows)
        self._reject(
            pl.DataFrame(
                {
                    "row_no": pl.Series([None] * len(rows), dtype=pl.Int64),
                    "record_key": record_keys(rows, self._stream),
                    "payload": payloads(_as_received(rows, self._stream)),
                    "reasons": [[f"{key}:conflicting_duplicate"]] * len(rows),
                    "version_number": pl.Series([None] * len(rows), dtype=pl.Int64),
                    "whole": [True] * len(rows),
                },
                schema=REJECTED_SCHEMA,
            )
        )


def _as_received(rows: pl.DataFrame, stream: Stream) -> pl.DataFrame:
    """Accepted rows under the upstream's own column names, so that a replay can take them again."""
    return rows.select(_received(column).alias(column.physical_name) for column in stream.columns)


def _received(column: Column) -> pl.Expr:
    if column.keeps_raw:
        return pl.col(f"{column.name}_raw")
    value = pl.col(column.name)
    if column.logical_type != "timestamp":
        return value.cast(pl.String)
    if column.format == "epoch":
        return value.dt.epoch("ms").cast(pl.String)
    return value.dt.strftime("%Y-%m-%dT%H:%M:%S%.f+00:00")


def _uuid_texts(keys: Hashes) -> list[str]:
    return [value.hex() for value in hash_bytes(keys)]
