"""Sorted runs of versions: searched by whole pages, in memory or in a file.

A run in a file is mapped while it is asked and let go of at once: what stayed mapped would count as memory held.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
"""Shape (n, 2): the two halves of a 128-bit hash."""
Numbers = npt.NDArray[np.signedinteger[Any]]
"""Times of change in microseconds; zeros of one byte where the contract has none."""


@dataclass
class Run:
    """Versions sorted by the first half of their key; each key stands once."""

    keys: Hashes
    hashes: Hashes
    versions: Numbers

    @staticmethod
    def sorted(keys: Hashes, hashes: Hashes, versions: Numbers, *, of_two: bool = False) -> Run:
        """Keys stand once. What is `of_two` sorted parts is merged, which is several times faster than sorting it."""
        order = np.argsort(keys[:, 0], kind="stable" if of_two else "quicksort")
        return Run(keys[order], hashes[order], versions[order])

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, keys: Hashes) -> npt.NDArray[np.int64]:
        """Position of each key, or -1."""
        found = np.full(len(keys), -1, dtype=np.int64)
        if not len(self.keys) or not len(keys):
            return found
        first = self.keys[:, 0]
        # Looked up in order, neighbours share cache lines: several times faster than at random.
        order = np.argsort(keys[:, 0])
        at = np.empty(len(keys), dtype=np.intp)
        at[order] = np.searchsorted(first, keys[order, 0])
        pending = np.arange(len(keys))
        # Two keys share 64 bits about never; the loop is for that case and ends after one round without it.
        while len(pending):
            inside = at[pending] < len(first)
            pending = pending[inside]
            pending = pending[first[at[pending]] == keys[pending, 0]]
            equal = self.keys[at[pending], 1] == keys[pending, 1]
            found[pending[equal]] = at[pending[equal]]
            pending = pending[~equal]
            at[pending] += 1
        return found


def merged(older: Run, newer: Run) -> Run:
    """One run of two; of a key in both the newer version stands."""
    replaced = newer.find(older.keys) >= 0
    return Run.sorted(
        np.concatenate([older.keys[~replaced], newer.keys]),
        np.concatenate([older.hashes[~replaced], newer.hashes]),
        np.concatenate([older.versions[~replaced], newer.versions]),
        of_two=True,
    )


@dataclass(frozen=True)
class StoredRun:
    """A run written to a file: its versions' keys, contents and numbers, one after the other."""

    file: BinaryIO
    offset: int
    rows: int
    number: np.dtype[Any]
    """The type of the version numbers."""

    @staticmethod
    def write(file: BinaryIO, run: Run) -> StoredRun:
        """At the end of the file, from a page on. Raises OSError when the disk is full."""
        end = file.seek(0, 2)
        offset = end + -end % mmap.ALLOCATIONGRANULARITY
        file.seek(offset)
        for column in (run.keys, run.hashes, run.versions):
            file.write(np.ascontiguousarray(column).data)
        file.flush()
        return StoredRun(file, offset, len(run), run.versions.dtype)

    def read(self) -> Run:
        """The run, mapped as long as its arrays are used."""
        rows = self.rows
        size = rows * (32 + self.number.itemsize)
        data = mmap.mmap(self.file.fileno(), size, access=mmap.ACCESS_READ, offset=self.offset)
        halves = np.frombuffer(data, dtype=np.uint64, count=4 * rows).reshape(2, rows, 2)
        numbers = np.frombuffer(data, dtype=self.number, count=rows, offset=32 * rows)
        return Run(halves[0], halves[1], numbers)
