"""Rows of a register that come again as they came before need not be judged again.

A register of a million rows comes whole on every pull, and nearly all of it as it was. Of each row that obeyed its
contract without a remark two hashes are kept: of how it was received, and of the version that it became. A row whose
received form is known, under the very same rules, and whose version is the current one, is unchanged: it is counted
and seen like any other, and only parsing and conforming it is saved. Whatever is not so plain is judged like a row
never seen: a row with a defect, one whose key stands twice in the pull, one whose time of change has not come yet.

What is kept says what a row becomes, and nothing of what is landed: a purge, a replay or a killed load cannot make
it wrong. See docs/decisions/0016.
"""

from __future__ import annotations

import platform
import uuid
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import psycopg

from connectors.bits import Bits
from connectors.conform import Conformed, Conformer
from connectors.contract import Server, Stream
from connectors.landing import Batch
from connectors.ordering import Mask
from connectors.protocols.base import Page
from connectors.raw_records import Found, RawRecords
from connectors.received_entries import WORDS, Entries
from connectors.region import region
from connectors.version_runs import Hashes
from connectors.versions import Positions, Versions, row_hashes

FEWEST_ROWS = 10_000
"""Smaller registers are conformed again in less time than it takes to know them."""
PART_ROWS = 50_000
_UNKNOWN: Final = np.int32(-1)


def is_kept(stream: Stream) -> bool:
    """Whether the stream is pulled whole again and again. A look-up is asked about a few at a time."""
    return stream.load == "snapshot" and "lookup" not in stream.source


def rules_of(stream: Stream, server: Server) -> uuid.UUID:
    """A digest of all that decides what a received row becomes: its contract, our code, the libraries under it."""
    told = [
        repr(stream.columns), repr(stream.cursor and stream.cursor.name), repr(stream.refusals), repr(stream.isolated),
        server.crs, server.timezone.key, repr(region()), _code(),
    ]  # fmt: skip
    return uuid.UUID(sha256("\n".join(told).encode()).hexdigest()[:32])


@cache
def _code() -> str:
    digest = sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)} {path.stat().st_size}\n".encode() + path.read_bytes())
    libraries = [f"{name} {version(name)}" for name in ("polars", "polars-hash", "pyarrow", "numpy", "shapely")]
    digest.update(" ".join([platform.python_version(), *libraries]).encode())
    return digest.hexdigest()


@dataclass
class Received:
    """The known rows of one register during one pull.

    `batch` is called in the thread that conforms, `keep`, `write` and `finish` in the one that lands.
    """

    conn: psycopg.Connection
    stream: Stream
    load_id: int
    rules: uuid.UUID
    versions: Versions
    _entries: Entries
    _parts: list[npt.NDArray[np.uint64]] = field(default_factory=list)
    _written: int = 0

    @classmethod
    def begin(
        cls, conn: psycopg.Connection, stream: Stream, server: Server, load_id: int, versions: Versions, *, afresh: bool
    ) -> Received:
        """In the load's transaction. With `afresh`, or under other rules than before, no row is known."""
        rules, place = rules_of(stream, server), [stream.system, stream.name]
        conn.execute(
            "DELETE FROM control.received WHERE system = %s AND stream = %s AND (rules <> %s OR %s)",
            [*place, rules, afresh],
        )
        with conn.cursor("received", binary=True) as parts:
            parts.itersize = 1  # a part is megabytes
            parts.execute("SELECT entries FROM control.received WHERE system = %s AND stream = %s ORDER BY part", place)
            words = (np.frombuffer(part, dtype="<u8").astype(np.uint64).reshape(-1, WORDS) for (part,) in parts)
            return cls(conn, stream, load_id, rules, versions, Entries(words, versions.current_at))

    def __post_init__(self) -> None:
        self._met = Bits(len(self.versions))
        self._rows = 0
        self._of_no_rows: dict[tuple[str, ...], Conformed] = {}

    def find(self, received: Hashes) -> Found:
        """What is known of rows as they were received; called in the thread that fetches, too."""
        return self._entries.find(received)

    def batch(self, page: Page, conform: Conformer) -> Batch:
        """The page as landing takes it: known rows by the position of their version, the others conformed."""
        self._rows += page.rows
        records = page.records or self._by_texts(page.frame)
        at = records.found.at.copy()
        self._set_apart(at, conform)
        taken, conformed = self._conformed(page, records, at, conform)
        batch = Batch.of(conformed, self.stream)
        theirs = self.versions.position(batch.keys)
        if (twice := np.isin(at, theirs[theirs >= 0]) & (at >= 0)).any():
            # Which of two rows of a key stands is judged with both of them there, in their order.
            at[twice] = _UNKNOWN
            taken, conformed = self._conformed(page, records, at, conform)
            batch = Batch.of(conformed, self.stream)
            theirs = self.versions.position(batch.keys)
        known = at[at >= 0]
        self._met.set(known)
        self._met.set(theirs[theirs >= 0])
        entries = _entries(batch, records.hashes[taken], records.found[taken])
        return replace(batch, known=known, places=theirs, entries=entries)

    def keep(self, batch: Batch) -> bool:
        """Remember the batch's rows that obeyed and were not known. Whether there are enough of them for `write`."""
        if batch.entries is not None and len(batch.entries):
            self._parts.append(batch.entries)
        return sum(map(len, self._parts)) >= PART_ROWS

    def finish(self) -> None:
        """Write what is not written; forget everything when most of it is of rows that come no more."""
        small = self._rows < FEWEST_ROWS and not self._written
        if not small:
            self.write()
        if len(self._entries) + self._written > 2 * max(self._rows, 1) and self._rows:
            self.conn.execute(
                "DELETE FROM control.received WHERE system = %s AND stream = %s", [self.stream.system, self.stream.name]
            )

    def write(self) -> None:
        """Write down what is remembered, which needs the connection for itself."""
        if not self._parts:
            return
        entries = np.concatenate(self._parts)
        self._parts, self._written = [], self._written + len(entries)
        self.conn.execute(
            "INSERT INTO control.received (system, stream, load_id, rules, rows, entries)"
            " VALUES (%s, %s, %s, %s, %s, %b)",
            [
                self.stream.system, self.stream.name, self.load_id, self.rules, len(entries),
                entries.astype("<u8", copy=False).tobytes(),
            ],
        )  # fmt: skip

    def _by_texts(self, frame: pl.DataFrame) -> RawRecords:
        """Rows whose bytes nobody saw, by the texts of the contract's columns."""
        names = [column.physical_name for column in self.stream.columns]
        rows = len(frame)
        # Where conform will say what is wrong with them, nothing is known and nothing remembered.
        found = Found(np.full(rows, _UNKNOWN), np.ones(rows, dtype=np.bool_), np.zeros(rows, dtype=np.uint64))
        hashes = np.zeros((rows, 2), dtype=np.uint64)
        if all(frame.schema.get(name) == pl.String for name in names):
            hashes = row_hashes(frame, names)
            keys = row_hashes(frame, [column.physical_name for column in self.stream.primary_key])[:, 0]
            found = replace(self.find(hashes), keys=keys)
        return RawRecords(hashes, found, lambda which: frame.filter(pl.Series(which)))

    def _conformed(self, page: Page, records: RawRecords, at: Positions, conform: Conformer) -> tuple[Mask, Conformed]:
        """The rows that are not known, conformed, and which of the page's rows they accepted; rejected ones by their
        place in the whole page."""
        rest = at < 0
        there = np.array_equal(rest, records.found.at < 0) if page.records is not None else rest.all()
        frame = page.frame if there else records.parse(rest)
        clean = page.clean and bool(there)
        conformed = conform(frame, clean=clean) if frame.height else self._of_none(frame, conform)
        if not rest.all():
            places = pl.Series(np.flatnonzero(rest), dtype=pl.Int64)
            conformed.rejected = conformed.rejected.with_columns(row_no=places.gather(conformed.rejected["row_no"]))
        taken = rest.copy()
        taken[conformed.rejected["row_no"].to_numpy()] = False
        return taken, conformed

    def _of_none(self, frame: pl.DataFrame, conform: Conformer) -> Conformed:
        """What conform makes of no rows, which is always the same: as much work as for a thousand."""
        columns = tuple(frame.columns)
        if columns not in self._of_no_rows:
            self._of_no_rows[columns] = conform(frame)
        return replace(self._of_no_rows[columns], outcomes=Counter())

    def _set_apart(self, at: Positions, conform: Conformer) -> None:
        """Rows that are known and yet to be judged: of a key that stands twice, or of a day to come."""
        rows = np.flatnonzero(at >= 0)
        positions = at[rows]
        doubtful = self._met.at(positions)
        doubtful |= self.versions.numbers_at(positions) > int(conform.horizon.timestamp() * 1_000_000)
        order = np.argsort(positions, kind="stable")
        same = np.flatnonzero(np.diff(positions[order]) == 0)
        doubtful[order[same]] = doubtful[order[same + 1]] = True
        at[rows[doubtful]] = _UNKNOWN


def _entries(batch: Batch, hashes: Hashes, found: Found) -> npt.NDArray[np.uint64]:
    """What is to be remembered of a batch: its accepted rows without a remark, as far as they are news."""
    assert batch.page.plain is not None
    news = batch.page.plain.to_numpy() & ~found.before
    return np.column_stack([hashes[news], found.keys[news], batch.keys[news, 0], batch.hashes[news, 1]])
