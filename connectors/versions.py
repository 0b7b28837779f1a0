"""Current versions of a stream's records: 128-bit keys and content hashes, searched by whole pages.

Both hashes are XXH3 (two seeds of 64 bits), which is specified to the bit and so the same on every machine and
library version. Sorted arrays and binary search take 40 bytes a record, which keeps a register of ten million
records inside the memory that a stream may use, and need no table built anew for each page.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash as plh
import pyarrow as pa

from connectors.contract import Stream

Hashes = npt.NDArray[np.uint64]
"""Shape (n, 2): the two halves of a 128-bit hash."""

_SEEDS = (0x544F574E, 0x48554221)
_VALUE, _WITHHELD = 0x56414C55, 0x57495448
_NOTHING = 0x4E6F7468696E6721
"""The word of a value that is not there; as a number or a time it would be none that anybody sends."""
_NO_VERSION = np.iinfo(np.int64).min


def hash_texts(texts: pl.Series) -> Hashes:
    """128-bit hashes of texts or bytes (none of them null)."""
    column = plh.col("text").nchash
    pair = texts.to_frame("text").select(hi=column.xxh3_64(seed=_SEEDS[0]), lo=column.xxh3_64(seed=_SEEDS[1]))
    return np.ascontiguousarray(np.stack([pair["hi"].to_numpy(), pair["lo"].to_numpy()], axis=1))


def key_hashes(record_keys: pl.Series) -> Hashes:
    return hash_texts(record_keys.fill_null(""))


def content_hashes(frame: pl.DataFrame, stream: Stream) -> Hashes:
    """Hashes of all the values of each row: one word of 64 bits for each value, and the words hashed together.

    A value that was withheld counts as what was received.
    """
    words = []
    for column in stream.columns:
        word = _word(frame.schema[column.name], column.name)
        if column.keeps_raw and frame.get_column(column.name).null_count():
            word = word.fill_null(_text_word(f"{column.name}_raw", _WITHHELD))
        words.append(word.fill_null(_NOTHING))
    rows = frame.select(words).to_numpy(order="c").astype("<u8", copy=False)
    whole = pa.FixedSizeBinaryArray.from_buffers(pa.binary(8 * len(words)), len(rows), [None, pa.py_buffer(rows)])
    texts = pl.from_arrow(whole.cast(pa.large_binary()))
    assert isinstance(texts, pl.Series)
    return hash_texts(texts)


def _word(dtype: pl.DataType, name: str) -> pl.Expr:
    """The bits of a value; of a text its hash."""
    value = pl.col(name)
    if dtype == pl.String:
        return _text_word(name, _VALUE)
    if dtype.is_float():
        return value.reinterpret(dtype=pl.UInt64)
    if dtype.is_decimal() or dtype.is_temporal():
        value = value.to_physical()
    return value.cast(pl.Int64).reinterpret(dtype=pl.UInt64)


def _text_word(name: str, seed: int) -> pl.Expr:
    word: pl.Expr = plh.col(name).nchash.xxh3_64(seed=seed)
    return word


def version_numbers(frame: pl.DataFrame, stream: Stream) -> npt.NDArray[np.int64]:
    """The contract's cursor as microseconds (which of two versions is newer), or a constant where there is none."""
    if stream.cursor is None:
        return np.full(len(frame), _NO_VERSION, dtype=np.int64)
    return frame.get_column(stream.cursor.name).to_physical().cast(pl.Int64).fill_null(_NO_VERSION).to_numpy()


@dataclass
class _Run:
    """Versions sorted by the first half of their key."""

    keys: Hashes
    hashes: Hashes
    versions: npt.NDArray[np.int64]

    @staticmethod
    def sorted(keys: Hashes, hashes: Hashes, versions: npt.NDArray[np.int64], *, of_two: bool = False) -> _Run:
        """Keys stand once. What is `of_two` sorted parts is merged, which is several times faster than sorting it."""
        order = np.argsort(keys[:, 0], kind="stable" if of_two else "quicksort")
        return _Run(keys[order], hashes[order], versions[order])

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


class Versions:
    """What is current: in the warehouse (`known`) and in the load under way (`fresh`), the latter first."""

    def __init__(self, keys: Hashes, hashes: Hashes, versions: npt.NDArray[np.int64]) -> None:
        self._known = _Run.sorted(keys, hashes, versions)
        self._seen = np.zeros(len(keys), dtype=np.bool_)
        self._decided = np.zeros(len(keys), dtype=np.bool_)
        self._fresh: list[_Run] = []

    def __len__(self) -> int:
        return len(self._seen)

    def find(self, keys: Hashes) -> tuple[npt.NDArray[np.bool_], Hashes, npt.NDArray[np.int64]]:
        """For each key: whether it has a current version, that version's content hash and version number."""
        hashes = np.zeros_like(keys)
        versions = np.full(len(keys), _NO_VERSION, dtype=np.int64)
        there = np.zeros(len(keys), dtype=np.bool_)
        for run in (self._known, *self._fresh):
            at = run.find(keys)
            hit = at >= 0
            there |= hit
            hashes[hit] = run.hashes[at[hit]]
            versions[hit] = run.versions[at[hit]]
        return there, hashes, versions

    def mark_seen(self, keys: Hashes) -> None:
        """These keys came in this pull, be they landed, unchanged or quarantined: they were not deleted."""
        at = self._known.find(keys)
        self._seen[at[at >= 0]] = True

    def mark_decided(self, keys: Hashes) -> None:
        """What is current of these keys was decided in this load: it stood for them in the pull."""
        at = self._known.find(keys)
        self._decided[at[at >= 0]] = True

    def decided(self, keys: Hashes) -> npt.NDArray[np.bool_]:
        """Keys that were landed or marked as decided in this load."""
        at = self._known.find(keys)
        found = (at >= 0) & self._decided[at] if len(self) else np.zeros(len(keys), dtype=np.bool_)
        for run in self._fresh:
            found |= run.find(keys) >= 0
        return found

    def add(self, keys: Hashes, hashes: Hashes, versions: npt.NDArray[np.int64]) -> None:
        """New current versions of this load. Runs of like size are merged, so that few are ever searched."""
        if not len(keys):
            return
        run = _Run.sorted(keys, hashes, versions)
        while self._fresh and len(self._fresh[-1].keys) <= 2 * len(run.keys):
            run = _merged(self._fresh.pop(), run)
        self._fresh.append(run)

    def absent(self) -> Hashes:
        """Keys known before that did not come in this pull."""
        return self._known.keys[~self._seen]


def _merged(older: _Run, newer: _Run) -> _Run:
    replaced = newer.find(older.keys) >= 0
    return _Run.sorted(
        np.concatenate([older.keys[~replaced], newer.keys]),
        np.concatenate([older.hashes[~replaced], newer.hashes]),
        np.concatenate([older.versions[~replaced], newer.versions]),
        of_two=True,
    )
