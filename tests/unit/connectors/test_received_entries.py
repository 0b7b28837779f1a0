"""Entries of received rows in blocks of a file: found where rows come as before, never told wrongly, few held."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

from connectors import received_entries
from connectors.received_entries import WORDS, Entries, Words
from connectors.version_runs import Hashes

ROWS = 40_000


@pytest.fixture(autouse=True)
def small_blocks(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path_factory.getbasetemp()))
    monkeypatch.setattr(received_entries, "BLOCK_ROWS", 1_000)


@pytest.fixture
def words() -> Words:
    return np.random.default_rng(3).integers(0, 2**64, (ROWS, WORDS), dtype=np.uint64)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    read, numbers = Entries._read, list[int]()

    def counted(self: Entries, number: int) -> object:
        numbers.append(number)
        return read(self, number)

    monkeypatch.setattr(Entries, "_read", counted)
    return numbers


def current(first: Words, second: Words) -> np.ndarray:
    """Half of the versions are current; the position is told by the entry itself."""
    return np.where(second % np.uint64(2) == 0, (first % np.uint64(10_000)).astype(np.int64), -1)


def parts(words: Words, size: int = 700) -> Iterator[Words]:
    for first in range(0, len(words), size):
        yield words[first : first + size]


def known(entries: Entries, received: Hashes, page: int = 900) -> np.ndarray:
    """Which were known, each told as its entry says."""
    return np.concatenate([entries.find(received[at : at + page]).before for at in range(0, len(received), page)])


def test_rows_that_come_as_before_are_all_known_and_each_block_is_read_once(words: Words, reads: list[int]) -> None:
    entries = Entries(parts(words), current)
    assert len(entries) == ROWS
    assert known(entries, words[:, :2]).all()
    assert sorted(reads) == list(range(len(entries._sizes)))
    assert len(entries._held) == received_entries.BLOCKS_HELD


def test_rows_are_known_where_the_register_begins_elsewhere_or_has_new_ones_between(words: Words) -> None:
    entries = Entries(parts(words), current)
    turned = np.roll(words[:, :2], 17_345, axis=0)
    assert known(entries, turned).mean() > 0.99
    new = np.random.default_rng(4).integers(0, 2**64, (ROWS, 2), dtype=np.uint64)
    mixed = np.stack([words[:, :2], new], axis=1).reshape(-1, 2)
    assert known(entries, mixed)[0::2].mean() > 0.99
    assert not known(entries, mixed)[1::2].any()


def test_what_is_told_of_a_row_is_its_own_entry(words: Words) -> None:
    entries = Entries(parts(words), current)
    shuffled = np.random.default_rng(5).permutation(words)
    found = entries.find(shuffled[:2_000, :2])
    assert 0 < found.before.sum() < 2_000, "in quite another order only some blocks are at hand"
    expected = current(shuffled[:2_000, 3], shuffled[:2_000, 4])
    assert found.at.tolist() == np.where(found.before, expected, -1).tolist()
    assert found.keys.tolist() == np.where(found.before, shuffled[:2_000, 2], 0).tolist()


def test_of_a_hash_both_halves_count(words: Words) -> None:
    entries = Entries(parts(words), current)
    other = words[:900, :2].copy()
    other[:, 1] ^= np.uint64(1)
    assert not entries.find(other).before.any()


def test_nothing_is_known_where_nothing_was_kept(words: Words) -> None:
    entries = Entries([], current)
    assert len(entries) == 0
    assert not entries.find(words[:10, :2]).before.any()
    assert len(Entries(parts(words), current).find(words[:0, :2]).at) == 0


def test_memory_does_not_grow_with_the_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """29 bytes an entry before; now less than one, and the blocks that are at hand."""
    monkeypatch.setattr(received_entries, "BLOCK_ROWS", 10_000)
    rows, size = 1_000_000, 10_000

    def read() -> Iterator[Words]:
        random = np.random.default_rng(1)
        for _ in range(rows // size):
            yield random.integers(0, 2**64, (size, WORDS), dtype=np.uint64)

    tracemalloc.start()
    try:
        entries = Entries(read(), current)
        for part in read():
            assert entries.find(part[:, :2]).before.all()
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    blocks = received_entries.BLOCKS_HELD * size * 28
    assert held < blocks + 1e6
    assert most < blocks + 4e6
