"""Held rows that their own source has settled: it sent a good version since, or a whole register without them.

A row that waits for a person although its record was corrected would keep a "no" unknown for ever, and a replay of
it would put the old, bad version over the new one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl
import psycopg

from connectors.contract import Stream
from connectors.copy_binary import hash_bytes
from connectors.version_runs import Hashes, Numbers
from connectors.versions import key_hashes

CORRECTED = "the source sent a good version since"
GONE = "the source's whole register no longer holds it"


@dataclass
class HeldRows:
    """The rows of one stream that were held before a load began, by the key of their record."""

    conn: psycopg.Connection
    stream: Stream
    load_id: int
    _waiting: dict[bytes, list[tuple[int, int | None]]] = field(init=False)
    _firsts: npt.NDArray[np.uint64] = field(init=False)
    _answered: set[int] = field(default_factory=set)
    _again: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        rows = self.conn.execute(
            """SELECT quarantine_id, record_key, version_number FROM quarantine.row
                WHERE system = %s AND stream = %s AND state = 'held' AND record_key IS NOT NULL""",
            [self.stream.system, self.stream.name],
        ).fetchall()
        keys = key_hashes(pl.Series([key for _, key, _ in rows], dtype=pl.String))
        self._firsts = np.unique(keys[:, 0])
        self._waiting = {}
        for key, (number, _, version) in zip(hash_bytes(keys), rows, strict=True):
            self._waiting.setdefault(key, []).append((number, version))

    def answer(self, keys: Hashes, numbers: Numbers) -> None:
        """Good versions came in, landed or known already: note the held rows of theirs that are not newer."""
        if not len(self._firsts):
            return
        for row in np.flatnonzero(np.isin(keys[:, 0], self._firsts)):
            for quarantine_id, version in self._waiting.get(hash_bytes(keys[row : row + 1])[0], ()):
                if self.stream.cursor is None or version is None or version <= numbers[row]:
                    self._answered.add(quarantine_id)

    def come_again(self, keys: Hashes) -> None:
        """Records that are wrong still."""
        self._again.update(hash_bytes(keys[np.isin(keys[:, 0], self._firsts)]) if len(self._firsts) else ())

    @property
    def unheard(self) -> bool:
        """Whether some of the records were neither answered nor came again."""
        return any(
            key not in self._again and not all(number in self._answered for number, _ in rows)
            for key, rows in self._waiting.items()
        )

    def settle(self, *, whole: bool) -> int:
        """Settle what was answered, and with `whole` (a complete snapshot) all that it did not hold again.

        Rows that came again in this load wait on: what the source says now is still wrong. Gives the rows settled.
        """
        settled = self._settle("quarantine_id = ANY (%s)", CORRECTED, sorted(self._answered)) if self._answered else 0
        return settled + (self._settle("%s", GONE, True) if whole else 0)

    def _settle(self, which: str, reason: str, value: object) -> int:
        return self.conn.execute(
            f"""UPDATE quarantine.row SET state = 'superseded', settled_by_load = %s, settled_by = 'the source',
                       settled_reason = %s, settled_at = now()
                 WHERE system = %s AND stream = %s AND state = 'held' AND last_load_id < %s AND {which}""".encode(),
            [self.load_id, reason, self.stream.system, self.stream.name, self.load_id, value],
        ).rowcount
