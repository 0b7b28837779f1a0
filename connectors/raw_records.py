"""Records of a register by the bytes that they came in: one that is known from before is not even parsed.

A format that can tell where its records begin and end hashes each one as it came and asks what is known of it (see
`connectors.received`). Only the others become rows of the page's frame; `parse` makes rows of any of them, for the
few that are known and must be judged all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from connectors.ordering import Mask
from connectors.version_runs import Hashes
from connectors.versions import Positions, hash_texts, row_hashes

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Found:
    """What is known of records, one by one."""

    at: Positions
    """Position of the current version that the record is; -1 where it has to be parsed."""
    before: Mask
    """Whether it came before, be its version the current one or not."""
    keys: Words
    """Hash of its key as received; of a record that has to be parsed it is told by its row."""

    def __getitem__(self, which: Mask) -> Found:
        return Found(self.at[which], self.before[which], self.keys[which])


Known = Callable[[Hashes], Found]


@dataclass(frozen=True)
class RawRecords:
    """The records of one page in their order; those without a position are the rows of its frame."""

    hashes: Hashes
    found: Found
    parse: Callable[[Mask], pl.DataFrame]
    """Rows of the records of a mask, with the contract's columns and no others."""

    @classmethod
    def of(
        cls, hashes: Hashes, found: Found, frame: pl.DataFrame, key: list[str], parse: Callable[[Mask], pl.DataFrame]
    ) -> RawRecords | None:
        """`frame` holds the rows that had to be parsed; None when they are not one for each of these records."""
        new = found.at < 0
        if frame.height != np.count_nonzero(new):
            return None
        keys = found.keys.copy()
        if new.any():
            keys[new] = row_hashes(frame, key)[:, 0]
        return cls(hashes, Found(found.at, found.before, keys), parse).without_bytes(frame)

    def without_bytes(self, frame: pl.DataFrame) -> RawRecords:
        """The same: where all are rows of the frame, nobody needs the bytes any more."""
        if (self.found.at >= 0).any():
            return self
        return replace(self, parse=lambda mask: frame.filter(pl.Series(mask)))

    def __len__(self) -> int:
        return len(self.hashes)


def byte_hashes(data: bytes, offsets: npt.NDArray[np.int64], meant_by: str = "") -> Hashes:
    """Hashes of the pieces of `data` between neighbouring offsets.

    `meant_by` is what else decides what the bytes say: a file's header and encoding.
    """
    pieces = pl.from_arrow(byte_pieces(data, offsets))
    assert isinstance(pieces, pl.Series)
    return salted(hash_texts(pieces), meant_by)


def byte_pieces(data: bytes, offsets: npt.NDArray[np.int64]) -> pa.LargeBinaryArray:
    """The pieces themselves, without copying them."""
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )


def salted(hashes: Hashes, meant_by: str) -> Hashes:
    return hashes ^ hash_texts(pl.Series([meant_by])) if meant_by else hashes


def joined(parts: Sequence[RawRecords], frame: pl.DataFrame) -> RawRecords:
    """Records of several pages as those of one, and of one frame."""
    ends = np.cumsum([len(part) for part in parts])[:-1]

    def parse(mask: Mask) -> pl.DataFrame:
        each = zip(parts, np.split(mask, ends), strict=True)
        frames = [part.parse(wanted) for part, wanted in each if wanted.any()]
        if not frames:
            return pl.DataFrame()
        # Of two pages each may have its columns in an order of its own.
        return pl.concat([frame.select(frames[0].columns) for frame in frames], rechunk=True)

    found = Found(
        np.concatenate([part.found.at for part in parts]),
        np.concatenate([part.found.before for part in parts]),
        np.concatenate([part.found.keys for part in parts]),
    )
    return RawRecords(np.concatenate([part.hashes for part in parts]), found, parse).without_bytes(frame)
