"""Landing: accepted rows, rejected rows, cursor and ledger entry in one transaction.

Landing tables are change logs. A row is appended only when its content differs from the current version of its
key; the version it replaces is closed (`_to_load`). Each row is valid for the loads `[_from_load, _to_load)`, so
the current version is `_to_load IS NULL` and history is there for slowly changing dimensions.

Of two versions of a key the one with the later cursor is current; one that comes late is kept as history, and one
that was stamped ahead of the load that brought it counts as of that load (see `connectors.ordering`). Equal content is
`unchanged`, however often it is sent.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl
import psycopg

from connectors.conflicts import REASON, conflict_rejects
from connectors.conform import REJECTED_SCHEMA, Conformed, record_keys
from connectors.contract import Stream
from connectors.held_loads import NOTHING_ALLOWED, Allowed, check_backfill, check_deletions, check_volume
from connectors.landed import Landed
from connectors.landing_table import LandingTable
from connectors.ordering import Arrived, Mask, Ruling, by_arrival, by_time, first_only
from connectors.quarantine_store import store_additions, store_rejects
from connectors.settlement import HeldRows
from connectors.version_runs import Hashes, Numbers
from connectors.versions import Positions, Versions, content_hashes, key_hashes, version_numbers

MOST_ADDITIONS = 10_000
"""So many rows of a load keep their fields that no contract describes: enough to see what the columns are."""
LOOKUP_ROWS = 20_000
"""Up to so many rows are looked up by key; beyond it reading all current hashes once is cheaper."""


@dataclass(frozen=True)
class Batch:
    """A conformed page with what landing compares of each accepted row: key, content, time of change."""

    page: Conformed
    keys: Hashes
    hashes: Hashes
    numbers: Numbers
    known: Positions | None = None
    """Rows that came as before and are what is current, by the position of their version; they are not in `page`."""
    places: Positions | None = None
    """Where the other rows' keys stand among the versions that were current when the load began, if it is told yet."""
    entries: npt.NDArray[np.uint64] | None = None
    """What `connectors.received` is to remember of the others."""

    @classmethod
    def of(cls, page: Conformed, stream: Stream) -> Batch:
        rows = page.accepted
        if rows.is_empty():  # of a register most pages: hashing no rows takes as long as hashing a thousand
            nothing = np.empty((0, 2), dtype=np.uint64)
            return cls(page, nothing, nothing, version_numbers(rows, stream))
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
        reclock: bool = False,
    ) -> None:
        """With `rekey`, every current version is closed first: its key was made of other columns. With `reclock`, those
        of before are older than whatever comes: their times of change were read by another clock."""
        self._conn = conn
        self._stream = stream
        self._load_id = load_id
        self._contract_version = contract_version
        self._table = LandingTable(conn, stream, load_id, reclock=reclock)
        self._rejected: list[pl.DataFrame] = []
        self._added: dict[str, str] = {}
        self._held = None if replay else HeldRows(conn, stream, load_id)
        self._nameless = False
        self.result = Landed()
        self._closed = self._table.close_all() if rekey else 0
        self._first = self._table.is_empty()
        self._replay = replay
        self._versions: Versions | None = None
        if self._first or stream.load == "snapshot":
            self._versions = self._table.all_versions()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._table.abandon()

    @property
    def standing(self) -> Versions:
        """The current versions of a register."""
        return self._all_versions()

    @property
    def missed(self) -> bool:
        """Whether a record of a register that is known from before, landed or held, has not come in this load."""
        if self._stream.load != "snapshot":
            return False
        held = self._held is not None and self._held.unheard
        return bool(self._closed or self._all_versions().absent or held)

    def add(self, page: Conformed, *, standing: bool = False) -> None:
        """Land one conformed page; see `add_batch`. The connection is free afterwards."""
        self.add_batch(Batch.of(page, self._stream), standing=standing)
        self.free()

    def free(self) -> None:
        """Make the connection ready for other statements."""
        self._table.end_copy()

    def add_batch(self, batch: Batch, *, standing: bool = False) -> None:
        """Land one batch. Its rows may be under way when this returns: the connection takes no statement before `free`.

        With `standing`, what is current stands against rows of a snapshot that nothing says to be newer.
        """
        page, keys = batch.page, batch.keys
        self.result.rows_in += len(page.accepted) + len(page.rejected)
        self.result.outcomes += page.outcomes
        versions = self._versions_for(keys)
        places = versions.position(keys) if batch.places is None else batch.places
        rejected_keys = page.rejected["record_key"].drop_nulls()
        if self._stream.load == "snapshot":
            versions.mark_seen(keys, places)
            rejected = key_hashes(rejected_keys)
            versions.mark_seen(rejected)
            if self._held is not None:
                self._held.come_again(rejected)
            self._nameless |= len(rejected_keys) < len(page.rejected)
        self._reject(page.rejected)
        self._append(batch, versions, places, standing)
        if batch.known is not None and len(batch.known):
            self._count_known(batch.known, versions)
        if self._held is not None:
            self._held.answer(keys, batch.numbers)

    def finish(self, *, complete: bool, allowed: Allowed = NOTHING_ALLOWED) -> Landed:
        """Tombstones (for a complete snapshot), index and quarantine. Raises `Held` above the contract's limit.

        A rejected row whose key cannot be read may be any of the records that seem absent: none is closed then.
        """
        self.free()
        whole = self._stream.load == "snapshot" and complete
        if self._closed:
            check_backfill(self.result, self._closed, self._stream.max_delete_share, allowed.good)
        if whole:
            check_volume(self.result, len(self._all_versions()), self._stream.max_delete_share, allowed.good)
        if whole and self._nameless:
            self.result.deletions_withheld = self._all_versions().absent
        elif whole:
            self._close_absent(allowed.deletes)
        if self._first:
            self._table.create_index()
        if self._first or self.result.landed > LOOKUP_ROWS:
            self._table.analyze()
        if self._closed:
            # What is not current again is gone, and whoever asks which loads changed the stream must hear of it.
            self.result.tombstoned += self._table.vanished()
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

    def _append(self, batch: Batch, versions: Versions, places: Positions, standing: bool) -> None:
        rows, keys, hashes, numbers = batch.page.accepted, batch.keys, batch.hashes, batch.numbers
        if len(numbers) and self._stream.cursor is not None:
            self.result.newest = max(int(numbers.max()), self.result.newest or 0)
        page = Arrived(keys, hashes, numbers, *versions.find(keys, places))
        ruling = self._ruled(page, versions, places, standing)
        if ruling.conflict.any():
            self._reject_conflicts(rows.filter(ruling.conflict))
        self._keep_additions(batch.page, ruling.landed)
        self.result.landed += int(ruling.landed.sum())
        self.result.unchanged += int((~ruling.landed & ~ruling.conflict).sum())
        self._table.close(keys[ruling.current & page.there])
        self._table.copy(rows, keys, hashes, ruling.landed, ruling.current)
        versions.add(keys[ruling.current], hashes[ruling.current], numbers[ruling.current])

    def _count_known(self, known: Positions, versions: Versions) -> None:
        self.result.rows_in += len(known)
        self.result.unchanged += len(known)
        versions.mark_unchanged(known)
        numbers = versions.numbers_at(known)
        if self._stream.cursor is not None:
            self.result.newest = max(int(numbers.max()), self.result.newest or 0)
        if self._held is not None:
            self._held.answer(versions.keys_at(known), numbers)

    def _ruled(self, page: Arrived, versions: Versions, places: Positions, standing: bool) -> Ruling:
        if self._stream.cursor is not None:
            return by_time(
                page,
                lambda rows: self._table.in_history(page.keys, page.hashes, rows),
                lambda rows: self._table.newer_since(page.keys[rows], page.current_numbers[rows]),
                time.time_ns() // 1000,
            )
        if self._stream.load != "snapshot":
            return by_arrival(page)
        # What has no version was not decided either: of a first load nothing is looked up twice.
        asked = page.there.any() and not standing
        ruling = first_only(page, versions.decided(page.keys, places) if asked else page.there)
        versions.mark_decided(page.keys, places)
        return ruling

    def _close_absent(self, allowed_deletes: int) -> None:
        versions = self._all_versions()
        check_deletions(self.result, versions.absent, len(versions), self._stream.max_delete_share, allowed_deletes)
        self.result.tombstoned += sum(map(self._table.close, versions.absent_keys()))

    def _all_versions(self) -> Versions:
        """Those of the whole register: a snapshot has read them when it began."""
        return self._versions_for(np.empty((0, 2), dtype=np.uint64))

    def _versions_for(self, keys: Hashes) -> Versions:
        """Current versions for a page: by key for the small pulls of every day, all of them for large ones."""
        if self._versions is None:
            if len(keys) <= LOOKUP_ROWS and self.result.rows_in <= LOOKUP_ROWS:
                return self._table.versions_of(keys)
            self._versions = self._table.all_versions()
        return self._versions

    def _reject(self, rejected: pl.DataFrame) -> None:
        if len(rejected):
            self.result.quarantined += len(rejected)
            self._rejected.append(rejected)

    def _reject_conflicts(self, rows: pl.DataFrame) -> None:
        key = self._stream.primary_key[0].name
        self.result.outcomes[(key, REASON, "quarantined")] += len(rows)
        self._reject(conflict_rejects(rows, self._stream))
