"""Frames as PostgreSQL binary COPY, and current versions back out of it.

Arrow → binary by pgpq; amounts and 128-bit hashes by numpy, because their wire form is not an Arrow type: an
amount travels as the five base-10000 digits of PostgreSQL's numeric, never as a float.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt
import pgpq
import polars as pl
import psycopg
import pyarrow as pa
from psycopg import sql

from connectors.pipeline import ahead
from connectors.version_runs import Hashes

BLOCK_ROWS = 5_000

_NUMERIC_DIGITS = 5
_NUMERIC_BYTES = 8 + 2 * _NUMERIC_DIGITS


class BinaryCopy:
    """An encoder for one COPY: header with the first batch, trailer at the end."""

    def __init__(self) -> None:
        self._encoder: Any = None

    def encode(self, frame: pl.DataFrame, hashes: dict[str, Hashes]) -> bytes:
        """The bytes of a batch: the frame's columns, then the hash columns (uuid on the other side)."""
        return b"".join(self.blocks(frame, hashes))

    def blocks(self, frame: pl.DataFrame, hashes: dict[str, Hashes]) -> Iterator[bytes]:
        """The same in parts of BLOCK_ROWS rows: PostgreSQL takes one in while the next is made."""
        for start in range(0, max(1, frame.height), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            arrays = [_array(column) for column in frame[rows].get_columns()]
            arrays += [hash_array(values[rows]) for values in hashes.values()]
            batch = pa.RecordBatch.from_arrays(arrays, names=[*frame.columns, *hashes])
            if self._encoder is None:
                self._encoder = pgpq.ArrowToPostgresBinaryEncoder(batch.schema)
                yield self._encoder.write_header()
            yield self._encoder.write_batch(batch)

    def finish(self) -> bytes:
        return bytes(self._encoder.finish()) if self._encoder is not None else b""


class Copying:
    """A COPY under way on a connection, which takes no other statement until it is ended."""

    def __init__(self, conn: psycopg.Connection, statement: sql.Composed) -> None:
        self._encoder = BinaryCopy()
        self._block = conn.cursor().copy(statement)
        self._copy = self._block.__enter__()

    def write(self, frame: pl.DataFrame, hashes: dict[str, Hashes]) -> None:
        """Rows of the same columns as before, encoded beside."""
        for block in ahead(self._encoder.blocks(frame, hashes), "landing-encode"):
            self._copy.write(block)

    def end(self) -> None:
        """Raises what PostgreSQL says of the rows."""
        try:
            self._copy.write(self._encoder.finish())
        except BaseException:
            self.abandon()
            raise
        self._block.__exit__(None, None, None)

    def abandon(self) -> None:
        """PostgreSQL writes the reason into its log: no words of an error that may quote rows."""
        with suppress(psycopg.Error):
            self._block.__exit__(GivenUp, GivenUp("the load was given up"), None)


class GivenUp(Exception):
    """Why a COPY ends before its rows do."""


def hash_array(hashes: Hashes) -> pa.Array:
    """128-bit hashes as 16 bytes, big-endian."""
    data = hashes.astype(">u8").tobytes()
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(hashes), [None, pa.py_buffer(data)])


def hash_bytes(hashes: Hashes) -> list[bytes]:
    data = hashes.astype(">u8").tobytes()
    return [data[start : start + 16] for start in range(0, len(data), 16)]


def _array(column: pl.Series) -> pa.Array:
    if column.dtype.is_decimal():
        return _numeric_array(column)
    # Texts as polars holds them, by views, which pgpq reads too: as plain texts each would be copied first.
    array = column.to_arrow(compat_level=pl.CompatLevel.newest())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _numeric_array(column: pl.Series) -> pa.Array:
    """Decimal(18, 2) as the wire form of numeric: ndigits, weight, sign, dscale, digits (all int16)."""
    fen = column.to_physical().cast(pl.Int64)
    null = fen.is_null().to_numpy()
    cents = fen.fill_null(0).to_numpy()
    size = np.abs(cents)
    wire = np.zeros((len(cents), _NUMERIC_BYTES // 2), dtype=">i2")
    wire[:, 0] = _NUMERIC_DIGITS
    wire[:, 1] = _NUMERIC_DIGITS - 2  # weight of the first digit: four digits stand before the point
    wire[:, 2] = np.where(cents < 0, 0x4000, 0)
    wire[:, 3] = 2
    whole, wire[:, 8] = size // 100, (size % 100) * 100
    for place in range(7, 3, -1):
        wire[:, place] = whole % 10_000
        whole = whole // 10_000
    validity = pa.array(~null).buffers()[1] if null.any() else None
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(_NUMERIC_BYTES), len(cents), [validity, pa.py_buffer(wire.tobytes())]
    )


def decode_versions(data: bytes) -> tuple[Hashes, Hashes, npt.NDArray[np.int64]]:
    """Reads a binary COPY of (uuid, uuid, bigint), none of them null, into key, hash and version arrays."""
    record = np.dtype(
        [
            ("n", ">i2"),
            ("l1", ">i4"),
            ("key", ">u8", 2),
            ("l2", ">i4"),
            ("hash", ">u8", 2),
            ("l3", ">i4"),
            ("v", ">i8"),
        ]
    )
    body = data[19:-2]
    rows = np.frombuffer(body, dtype=record)
    if len(rows) and not ((rows["n"] == 3).all() and (rows["l3"] == 8).all()):
        raise ValueError("the binary COPY of current versions has another layout than (uuid, uuid, bigint)")
    return (
        rows["key"].astype(np.uint64),
        rows["hash"].astype(np.uint64),
        rows["v"].astype(np.int64),
    )
