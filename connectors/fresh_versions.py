"""The versions that a load under way has made current: few in memory, the others in a file without a name.

A first load of ten million records would otherwise hold 330 MB of them. Hardly any is ever looked up again: only a key
that comes twice in one load is. A filter in memory (Bloom's, a word of 64 bits for three to six keys) tells which keys
may be there, so that the file is asked for one row in a hundred.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from connectors.version_runs import Hashes, Numbers, Run, StoredRun, merged, nameless_file, room_on_disk

RECENT_ROWS = 100_000
"""So many versions are in memory before they are written: 3 to 4 MB, and a hundred runs for ten million records."""
_KEYS_PER_WORD: Final = 6
_FEWEST_BITS: Final = 12

Found = tuple[npt.NDArray[np.intp], Run, npt.NDArray[np.int64]]
"""Rows that were found, the run that has them, and where."""


class FreshVersions:
    """Added page by page, found by key, the newest of each."""

    def __init__(self, recent_rows: int = RECENT_ROWS) -> None:
        self._most = recent_rows
        self._filter = _Filter()
        self._recent: list[Run] = []
        self._stored: list[StoredRun] = []
        self._file: BinaryIO | None = None

    def add(self, keys: Hashes, hashes: Hashes, versions: Numbers) -> None:
        """New current versions; each key stands once. Raises `Permanent` when there is no room for the file."""
        if not len(keys):
            return
        run = Run.sorted(keys, hashes, versions)
        # Runs of like size are merged, so that few are ever searched.
        while self._recent and len(self._recent[-1].keys) <= 2 * len(run.keys):
            run = merged(self._recent.pop(), run)
        self._recent.append(run)
        if self._filter.takes(len(keys)):
            self._filter.add(keys)
        else:
            rows = sum(len(run.keys) for run in self._recent) + sum(run.rows for run in self._stored)
            self._filter = _Filter.over(rows, (run.keys for run in self._runs()))
        if sum(len(run.keys) for run in self._recent) >= self._most:
            self._store()

    def find(self, keys: Hashes) -> Iterator[Found]:
        """Those of the keys that were added, each once."""
        rows = self._filter.may_hold(keys)
        for run in self._runs():
            if not len(rows):
                return
            at = run.find(keys[rows])
            if (hit := at >= 0).any():
                yield rows[hit], run, at[hit]
                rows = rows[~hit]

    def _runs(self) -> Iterator[Run]:
        """The newest first: of a key that stands in several it is the one that counts."""
        yield from reversed(self._recent)
        for stored in reversed(self._stored):
            yield stored.read()

    def _store(self) -> None:
        """Write what is in memory as one run."""
        run = reduce(lambda newer, older: merged(older, newer), reversed(self._recent))
        with room_on_disk():
            self._file = self._file or nameless_file(self)
            self._stored.append(StoredRun.write(self._file, run))
        self._recent = []


class _Filter:
    """Which keys may have been added: all that were, and of others at most two in a hundred.

    A key sets four bits of one word: the first half of its hash tells the word, the second half the bits.
    """

    def __init__(self, bits: int = _FEWEST_BITS) -> None:
        self._shift = np.uint64(64 - bits)
        self._words = np.zeros(1 << bits, dtype=np.uint64)
        self._keys = 0

    @staticmethod
    def over(rows: int, parts: Iterable[Hashes]) -> _Filter:
        """A new one with room for more: a word does not tell of which keys its bits are."""
        found = _Filter(max(_FEWEST_BITS, (rows // _KEYS_PER_WORD).bit_length()))
        for keys in parts:
            found.add(keys)
        return found

    def takes(self, rows: int) -> bool:
        return self._keys + rows <= _KEYS_PER_WORD * len(self._words)

    def add(self, keys: Hashes) -> None:
        self._keys += len(keys)
        np.bitwise_or.at(self._words, keys[:, 0] >> self._shift, _bits_of(keys))

    def may_hold(self, keys: Hashes) -> npt.NDArray[np.intp]:
        """The rows of such keys."""
        bits = _bits_of(keys)
        return np.flatnonzero(self._words[keys[:, 0] >> self._shift] & bits == bits)


def _bits_of(keys: Hashes) -> npt.NDArray[np.uint64]:
    bits = np.zeros(len(keys), dtype=np.uint64)
    for part in range(4):
        bits |= np.uint64(1) << (keys[:, 1] >> np.uint64(6 * part) & np.uint64(63))
    return bits
