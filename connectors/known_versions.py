"""What is current in the warehouse, sorted by key: of a small register in memory, else in a file without a name.

Ten million versions would take 330 MB. Hashes are spread evenly, so that the beginning of a key tells the segment that
has it: the file is a row of sorted segments, each asked by itself and let go of, and what a process holds of them does
not grow with the register. To write them in order, sorted runs are written first, as they come from the table, and the
segments are then put together from a piece of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from connectors.version_runs import Hashes, Numbers, Run, StoredRun, nameless_file, room_on_disk

SEGMENT_ROWS = 100_000
"""So many versions are in memory before they are written, and about so many make a segment: 3 to 4 MB."""
_FINEST: Final = 12
"""Segments begin where one of so many first bits of a key changes: 4,096 of them are enough for any pull."""

Part = tuple[Hashes, Hashes, Numbers]
"""Keys, hashes of contents, and version numbers of some versions."""
Positions = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]


class KnownVersions:
    """Found by key; each has a position, by which it can be asked again."""

    def __init__(self, parts: Iterable[Part]) -> None:
        """Keys stand once in all of them. Raises `Permanent` when there is no room for the file."""
        self._segments: list[Run | StoredRun] = []
        self._bounds = np.empty(0, dtype=np.uint64)
        waiting: list[Part] = []
        runs: list[StoredRun] = []
        scratch = None
        for part in parts:
            waiting.append(part)
            if sum(len(keys) for keys, _, _ in waiting) >= SEGMENT_ROWS:
                with room_on_disk():
                    scratch = scratch or nameless_file(self)
                    runs.append(StoredRun.write(scratch, _sorted(waiting)))
                waiting = []
        if scratch is None:
            self._segments = [_sorted(waiting)] if any(len(keys) for keys, _, _ in waiting) else []
        else:
            if waiting:
                with room_on_disk():
                    runs.append(StoredRun.write(scratch, _sorted(waiting)))
            waiting = []
            self._write_segments(runs)
            scratch.close()
        self._starts = np.cumsum([0, *map(_rows, self._segments)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def segments(self) -> Iterator[tuple[int, Run]]:
        """Each with the position of its first version."""
        for start, segment in zip(self._starts, self._segments, strict=False):
            if _rows(segment):
                yield int(start), _read(segment)

    def find(self, keys: Hashes) -> Positions:
        """The position of each key, or -1."""
        found = np.full(len(keys), -1, dtype=np.int64)
        for rows, start, run in self._asked(keys[:, 0], self._bounds):
            at = run.find(keys[rows])
            found[rows] = np.where(at >= 0, at + start, -1)
        return found

    def halves(self, first_of_key: npt.NDArray[np.uint64], second_of_hash: npt.NDArray[np.uint64]) -> Positions:
        """The position of the version that has both halves, or -1."""
        found = np.full(len(first_of_key), -1, dtype=np.int64)
        for rows, start, run in self._asked(first_of_key, self._bounds):
            firsts, wanted = run.keys[:, 0], first_of_key[rows]
            at = np.searchsorted(firsts, wanted)
            at[at == len(firsts)] = 0
            same = (firsts[at] == wanted) & (run.hashes[at, 1] == second_of_hash[rows])
            found[rows] = np.where(same, at + start, -1)
        return found

    def keys(self, positions: npt.NDArray[np.signedinteger]) -> Hashes:
        found = np.empty((len(positions), 2), dtype=np.uint64)
        for rows, start, run in self._asked(positions, self._starts[1:-1]):
            found[rows] = run.keys[positions[rows] - start]
        return found

    def contents(self, positions: npt.NDArray[np.signedinteger]) -> tuple[Hashes, npt.NDArray[np.int64]]:
        """Content hashes and version numbers."""
        hashes, numbers = np.empty((len(positions), 2), dtype=np.uint64), np.empty(len(positions), dtype=np.int64)
        for rows, start, run in self._asked(positions, self._starts[1:-1]):
            hashes[rows] = run.hashes[positions[rows] - start]
            numbers[rows] = run.versions[positions[rows] - start]
        return hashes, numbers

    def numbers(self, positions: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.int64]:
        found = np.zeros(len(positions), dtype=np.int64)
        if self._segments and _number(self._segments[0]) == np.int8:
            return found  # nothing is ordered by them
        for rows, start, run in self._asked(positions, self._starts[1:-1]):
            found[rows] = run.versions[positions[rows] - start]
        return found

    def _asked(self, by: npt.NDArray[np.integer], bounds: npt.NDArray[np.integer]) -> Iterator[tuple[Rows, int, Run]]:
        """For each segment that has some of them: which, the segment's first position, and the segment."""
        if not self._segments or not len(by):
            return
        if len(self._segments) == 1:
            yield np.arange(len(by)), 0, _read(self._segments[0])
            return
        order = np.argsort(by, kind="stable")
        for number, rows in enumerate(np.split(order, np.searchsorted(by[order], bounds))):
            if len(rows) and _rows(self._segments[number]):
                yield rows, int(self._starts[number]), _read(self._segments[number])

    def _write_segments(self, runs: list[StoredRun]) -> None:
        bits = min(_FINEST, max(1, (sum(run.rows for run in runs) // SEGMENT_ROWS).bit_length()))
        self._bounds = np.arange(1, 1 << bits, dtype=np.uint64) << np.uint64(64 - bits)
        ends = []
        for run in runs:
            firsts = run.read().keys[:, 0]
            ends.append(np.concatenate([[0], np.searchsorted(firsts, self._bounds), [len(firsts)]]))
        with room_on_disk():
            file = nameless_file(self)
            for number in range(1 << bits):
                pieces = [
                    run.rows_of(int(end[number]), int(end[number + 1])) for run, end in zip(runs, ends, strict=True)
                ]
                self._segments.append(StoredRun.write(file, _sorted(pieces)))


def _sorted(parts: list[Part]) -> Run:
    keys, hashes, numbers = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Run.sorted(keys, hashes, numbers)


def _rows(segment: Run | StoredRun) -> int:
    return segment.rows if isinstance(segment, StoredRun) else len(segment)


def _number(segment: Run | StoredRun) -> np.dtype[np.signedinteger]:
    return segment.number if isinstance(segment, StoredRun) else segment.versions.dtype


def _read(segment: Run | StoredRun) -> Run:
    return segment.read() if isinstance(segment, StoredRun) else segment
