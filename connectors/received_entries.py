"""What is known of received rows, looked up by their hashes: in a file without a name, of which a few blocks are held.

Ten million entries would take 290 MB. A register comes in much the same order each time, so that rows that came side by
side are asked for side by side: entries lie in blocks in the order in which they came, and of every 32nd hash it is
kept in memory which block has it. A page's own 32nd hashes tell the blocks that it needs. Where a register comes in
quite another order, rows whose block is not at hand are not known: they are judged, as any row never seen.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from connectors.raw_records import Found
from connectors.version_runs import Hashes, nameless_file, room_on_disk

WORDS: Final = 5
"""Of an entry: the received row's hash (two), its key's as received, and of the version that it became the first half
of the key and the second half of the content's hash."""
BLOCK_ROWS = 50_000
BLOCKS_HELD = 8
"""1.4 MB each."""
SAMPLED: Final = 32

Words = npt.NDArray[np.uint64]
Current = Callable[[Words, Words], npt.NDArray[np.signedinteger]]
"""The position of the current version that has both halves of an entry, or -1."""


@dataclass(frozen=True)
class _Block:
    """Entries sorted by the first half of their hash."""

    hashes: Hashes
    at: npt.NDArray[np.int32]
    keys: Words

    @staticmethod
    def of(entries: Words, current: Current) -> _Block:
        entries = entries[np.argsort(entries[:, 0], kind="stable")]
        at = current(entries[:, 3], entries[:, 4]).astype(np.int32)
        return _Block(entries[:, :2].copy(), at, entries[:, 2].copy())

    def find(self, received: Hashes) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.intp]]:
        """Which of the rows, sorted as the entries are, stand here, and where."""
        first = self.hashes[:, 0]
        places = np.searchsorted(first, received[:, 0])
        places[places == len(first)] = 0
        return (self.hashes[places] == received).all(axis=1), places


class Entries:
    """Of one register during one pull; asked by the thread that fetches and by the one that conforms."""

    def __init__(self, parts: Iterable[Words], current: Current) -> None:
        """Parts in the order in which they came. Raises `Permanent` when there is no room for the file."""
        self._current = current
        with room_on_disk():
            self._file: BinaryIO = nameless_file(self)
        self._sizes: list[int] = []
        self._held: OrderedDict[int, _Block] = OrderedDict()
        self._asking = threading.Lock()
        samples: list[Words] = []
        waiting: list[Words] = []
        for part in parts:
            # Parts of a few rows that changed are put together: a year of them is asked for as one block or two.
            waiting.append(part)
            if sum(map(len, waiting)) >= BLOCK_ROWS:
                samples.append(self._write(np.concatenate(waiting)))
                waiting = []
        if waiting:
            samples.append(self._write(np.concatenate(waiting)))
        blocks = np.repeat(np.arange(len(samples), dtype=np.int32), [len(sample) for sample in samples])
        firsts = np.concatenate([np.empty(0, dtype=np.uint64), *samples])
        order = np.argsort(firsts)
        self._samples, self._blocks = firsts[order], blocks[order]

    def __len__(self) -> int:
        return sum(self._sizes)

    def find(self, received: Hashes) -> Found:
        """What is known of rows as they were received."""
        rows = len(received)
        found = Found(
            np.full(rows, -1, dtype=np.int32), np.zeros(rows, dtype=np.bool_), np.zeros(rows, dtype=np.uint64)
        )
        if not self._sizes or not rows:
            return found
        order = np.argsort(received[:, 0])
        with self._asking:
            for number in self._likely(received[order, 0]):
                block = self._block(number)
                hit, places = block.find(received[order])
                which, places = order[hit], places[hit]
                found.before[which] = True
                found.at[which], found.keys[which] = block.at[places], block.keys[places]
                if not len(order := order[~hit]):
                    break
        return found

    def _likely(self, firsts: Words) -> list[int]:
        """The blocks that these rows may be in: those that are told to have most of them first, then those at hand, and
        the one that comes next: of a few rows at the end of a page none may be sampled."""
        if len(self._sizes) <= BLOCKS_HELD:
            return list(range(len(self._sizes)))
        if not len(self._samples):
            return list(reversed(self._held))
        sampled = firsts[firsts % np.uint64(SAMPLED) == 0]
        places = np.searchsorted(self._samples, sampled)
        places[places == len(self._samples)] = 0
        blocks, counts = np.unique(self._blocks[places[self._samples[places] == sampled]], return_counts=True)
        told = blocks[np.argsort(-counts, kind="stable")][:BLOCKS_HELD].tolist()
        following = [number + 1 for number in told[:1] if number + 1 < len(self._sizes)]
        return list(dict.fromkeys([*told, *reversed(self._held), *following]))

    def _block(self, number: int) -> _Block:
        """Of those at hand the one that was asked longest ago makes room."""
        if number not in self._held:
            if len(self._held) == BLOCKS_HELD:
                self._held.popitem(last=False)
            self._held[number] = self._read(number)
        self._held.move_to_end(number)
        return self._held[number]

    def _write(self, entries: Words) -> Words:
        """Add a block; those of its hashes by which it is found."""
        with room_on_disk():
            self._file.write(np.ascontiguousarray(entries).data)
            self._file.flush()
        self._sizes.append(len(entries))
        sample: Words = entries[entries[:, 0] % np.uint64(SAMPLED) == 0, 0]
        return sample

    def _read(self, number: int) -> _Block:
        size, start = self._sizes[number], sum(self._sizes[:number])
        data = os.pread(self._file.fileno(), size * WORDS * 8, start * WORDS * 8)
        return _Block.of(np.frombuffer(data, dtype=np.uint64).reshape(-1, WORDS), self._current)
