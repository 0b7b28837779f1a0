"""Current versions of a stream's records: 128-bit keys and content hashes, searched by whole pages.

Both hashes are XXH3 (two seeds of 64 bits), which is specified to the bit and so the same on every machine and
library version. What is current in the warehouse is kept by `connectors.known_versions`, what the load itself makes
current by `connectors.fresh_versions`; neither holds in memory what grows with the register, but for a few bits each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash as plh
import pyarrow as pa

from connectors.bits import Bits
from connectors.contract import Stream
from connectors.fresh_versions import FreshVersions
from connectors.known_versions import KnownVersions, Part
from connectors.version_runs import Hashes, Numbers

Positions = npt.NDArray[np.signedinteger]
"""Of versions that were current in the warehouse when the load began."""

_SEEDS = (0x544F574E, 0x48554221)
_VALUE, _WITHHELD, _RECEIVED = 0x56414C55, 0x57495448, 0x52454356
_NOTHING = 0x4E6F7468696E6721
"""The word of a value that is not there; as a number or a time it would be none that anybody sends."""
_NO_VERSION = np.iinfo(np.int64).min
_HALVES = [plh.col("text").nchash.xxh3_64(seed=seed).alias(f"{seed}") for seed in _SEEDS]


def hash_texts(texts: pl.Series) -> Hashes:
    """128-bit hashes of texts or bytes (none of them null)."""
    return texts.to_frame("text").select(_HALVES).to_numpy(order="c")


def key_hashes(record_keys: pl.Series) -> Hashes:
    return hash_texts(record_keys.fill_null("") if record_keys.null_count() else record_keys)


def content_hashes(frame: pl.DataFrame, stream: Stream) -> Hashes:
    """Hashes of all the values of each row: one word of 64 bits for each value, and the words hashed together.

    A value that was withheld counts as what was received.
    """
    words = []
    for column in stream.columns:
        values = frame.get_column(column.name)
        words.append(_value_word(values.dtype, column.name, column.keeps_raw and values.null_count() > 0))
    return _hash_words(frame.select(words))


def row_hashes(frame: pl.DataFrame, names: list[str]) -> Hashes:
    """Hashes of rows as they were received: of the texts of the given columns, whatever they mean."""
    return _hash_words(frame.select([_text_word(name, _RECEIVED) for name in names]))


def _hash_words(words: pl.DataFrame) -> Hashes:
    rows = words.to_numpy(order="c").astype("<u8", copy=False)
    whole = pa.FixedSizeBinaryArray.from_buffers(pa.binary(8 * words.width), len(rows), [None, pa.py_buffer(rows)])
    texts = pl.from_arrow(whole.cast(pa.large_binary()))
    assert isinstance(texts, pl.Series)
    return hash_texts(texts)


@lru_cache(maxsize=4_096)  # to write an expression takes as long as to hash a thousand texts
def _value_word(dtype: pl.DataType, name: str, withheld: bool) -> pl.Expr:
    """The bits of a value; of a text its hash. With `withheld`, what was received stands for what is not there."""
    value = pl.col(name)
    if dtype == pl.String:
        word = _text_hash(name, _VALUE)
    elif dtype.is_float():
        word = value.reinterpret(dtype=pl.UInt64)
    else:
        bits = value.to_physical() if dtype.is_decimal() or dtype.is_temporal() else value
        word = bits.cast(pl.Int64).reinterpret(dtype=pl.UInt64)
    if withheld:
        word = word.fill_null(_text_hash(f"{name}_raw", _WITHHELD))
    return word.fill_null(_NOTHING)


@lru_cache(maxsize=4_096)
def _text_word(name: str, seed: int) -> pl.Expr:
    return _text_hash(name, seed).fill_null(_NOTHING)


def _text_hash(name: str, seed: int) -> pl.Expr:
    word: pl.Expr = plh.col(name).nchash.xxh3_64(seed=seed)
    return word


def version_numbers(frame: pl.DataFrame, stream: Stream) -> Numbers:
    """The contract's cursor as microseconds (which of two versions is newer), or a constant where there is none."""
    if stream.cursor is None:
        return no_numbers(len(frame))
    return frame.get_column(stream.cursor.name).to_physical().cast(pl.Int64).fill_null(_NO_VERSION).to_numpy()


def no_numbers(rows: int) -> Numbers:
    """One byte for each version instead of eight: nothing is ordered by them."""
    return np.zeros(rows, dtype=np.int8)


class Versions:
    """What is current: in the warehouse (`known`) and in the load under way (`fresh`, see there), the latter first.

    Who asks of the same keys several times finds their positions once and gives them as `at`: those of a large register
    are looked up in a file.
    """

    def __init__(self, keys: Hashes, hashes: Hashes, versions: Numbers) -> None:
        self._take(KnownVersions([(keys, hashes, versions)]))

    @classmethod
    def of_parts(cls, parts: Iterable[Part]) -> Self:
        """Those of a whole table, which come in parts; of them few are in memory at a time."""
        versions = cls.__new__(cls)
        versions._take(KnownVersions(parts))
        return versions

    def _take(self, known: KnownVersions) -> None:
        self._known = known
        self._seen, self._decided = Bits(len(known)), Bits(len(known))
        self._fresh = FreshVersions()

    def __len__(self) -> int:
        return len(self._known)

    def find(
        self, keys: Hashes, at: Positions | None = None
    ) -> tuple[npt.NDArray[np.bool_], Hashes, npt.NDArray[np.int64]]:
        """For each key: whether it has a current version, that version's content hash and version number."""
        at = self.position(keys) if at is None else at
        hashes = np.zeros_like(keys)
        versions = np.full(len(keys), _NO_VERSION, dtype=np.int64)
        there = at >= 0
        if there.any():
            hashes[there], versions[there] = self._known.contents(at[there])
        # One after the other: a run that was looked at is let go of before the next is mapped.
        for rows, run, places in self._fresh.find(keys):
            there[rows] = True
            hashes[rows] = run.hashes[places]
            versions[rows] = run.versions[places]
        return there, hashes, versions

    def position(self, keys: Hashes) -> Positions:
        """Where among the versions in the warehouse the one of each key stands, or -1."""
        return self._known.find(keys)

    def current_at(self, first_of_key: npt.NDArray[np.uint64], second_of_hash: npt.NDArray[np.uint64]) -> Positions:
        """The position of the version in the warehouse that has both halves, or -1."""
        return self._known.halves(first_of_key, second_of_hash)

    def numbers_at(self, positions: Positions) -> Numbers:
        return self._known.numbers(positions)

    def keys_at(self, positions: Positions) -> Hashes:
        return self._known.keys(positions)

    def mark_unchanged(self, positions: Positions) -> None:
        """These came in this pull as they are, and stand."""
        self._seen.set(positions)
        self._decided.set(positions)

    def mark_seen(self, keys: Hashes, at: Positions | None = None) -> None:
        """These keys came in this pull, be they landed, unchanged or quarantined: they were not deleted."""
        at = self.position(keys) if at is None else at
        self._seen.set(at[at >= 0])

    def mark_decided(self, keys: Hashes, at: Positions | None = None) -> None:
        """What is current of these keys was decided in this load: it stood for them in the pull."""
        at = self.position(keys) if at is None else at
        self._decided.set(at[at >= 0])

    def decided(self, keys: Hashes, at: Positions | None = None) -> npt.NDArray[np.bool_]:
        """Keys that were landed or marked as decided in this load."""
        at = self.position(keys) if at is None else at
        found = at >= 0
        found[found] = self._decided.at(at[found])
        for rows, _, _ in self._fresh.find(keys):
            found[rows] = True
        return found

    def add(self, keys: Hashes, hashes: Hashes, versions: Numbers) -> None:
        """New current versions of this load; each key stands once."""
        self._fresh.add(keys, hashes, versions)

    @property
    def absent(self) -> int:
        """How many were known before and did not come in this pull."""
        return len(self) - self._seen.count()

    def absent_keys(self) -> Iterator[Hashes]:
        """Their keys, some at a time."""
        for start, run in self._known.segments:
            keys = run.keys[self._seen.unset(start, start + len(run))]
            if len(keys):
                yield keys
