"""Sorted runs of versions: searched by whole pages, in memory or in a file.

A run in a file is mapped while it is asked and let go of at once: what stayed mapped would count as memory held.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from connectors.errors import Permanent
from warehouse.settings import settings

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


def nameless_file(owner: object) -> BinaryIO:
    """A file that is closed with its owner. Its descriptor alone keeps it: a pull that is killed leaves nothing."""
    folder = settings().home / "work"
    folder.mkdir(parents=True, exist_ok=True)
    file = cast(BinaryIO, tempfile.TemporaryFile(prefix="versions-", dir=folder))  # noqa: SIM115 - the owner closes it
    weakref.finalize(owner, file.close)
    return file


@contextmanager
def room_on_disk() -> Iterator[None]:
    """Around what is written to such a file. Raises `Permanent` when there is no room for it."""
    try:
        yield
    except OSError as error:
        raise Permanent(
            f"what a load remembers cannot be written under TOWNHUB_HOME ({error.strerror})",
            "Free some space on its disk, or set TOWNHUB_HOME to another one",
        ) from error


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

    def rows_of(self, first: int, end: int) -> tuple[Hashes, Hashes, Numbers]:
        """Some of its versions, read into memory: keys, contents and numbers."""
        parts = []
        for column, size in enumerate((16, 16, self.number.itemsize)):
            start = self.offset + (0, 16, 32)[column] * self.rows + first * size
            parts.append(os.pread(self.file.fileno(), (end - first) * size, start))
        keys, hashes = (np.frombuffer(part, dtype=np.uint64).reshape(-1, 2) for part in parts[:2])
        return keys, hashes, np.frombuffer(parts[2], dtype=self.number)
