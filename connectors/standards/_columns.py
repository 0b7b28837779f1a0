"""Helpers shared by the standards: columns as byte matrices, and work done on few rows only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

INVALID = -1


def byte_matrix(s: pl.Series, width: int) -> Bytes:
    """The column as an (n, width) matrix of bytes.

    Rows that are null or not exactly ``width`` bytes long become rows of zero bytes, which no
    alphabet of ours contains, so that they fail every later test by themselves. The memory holds one column
    after the other (Fortran order), for tests and sums go along the columns.
    """
    array = s.rechunk().to_arrow()
    if len(array) == 0:
        return np.zeros((0, width), dtype=np.uint8)
    _, offsets, data = array.buffers()
    edges = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    octets = np.frombuffer(data or b"", dtype=np.uint8)
    fits = np.diff(edges) == width
    if s.null_count():
        fits &= s.is_not_null().to_numpy()
    if fits.all():
        return np.asfortranarray(octets[edges[0] : edges[-1]].reshape(len(array), width))
    matrix = np.zeros((len(array), width), dtype=np.uint8, order="F")
    matrix[fits] = octets[edges[:-1][fits][:, None] + np.arange(width)]
    return matrix


def strings(matrix: Bytes, valid: Bools | None = None) -> pl.Series:
    """The reverse of ``byte_matrix``: rows of ASCII bytes as a column of strings; not valid → null."""
    rows, width = matrix.shape
    if valid is not None and not valid.all():
        matrix = np.where(valid[:, None], matrix, np.uint8(ord("0")))  # what is not valid may be no UTF-8 either
    offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int64)
    data = np.ascontiguousarray(matrix)
    array = pa.LargeStringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(data))
    out = pl.Series(array, dtype=pl.String)
    return out if valid is None or valid.all() else pl.select(pl.when(pl.Series(valid)).then(out)).to_series()


def lookup(alphabet: str) -> npt.NDArray[np.int16]:
    """A table byte → position in ``alphabet``, ``INVALID`` for every other byte."""
    table = np.full(256, INVALID, dtype=np.int16)
    for value, char in enumerate(alphabet):
        table[ord(char)] = value
    return table


def weighted_sum(values: npt.NDArray[np.int16], weights: tuple[int, ...]) -> npt.NDArray[np.int32]:
    """Σ weight·value over the first ``len(weights)`` columns of a value matrix."""
    total = np.zeros(values.shape[0], dtype=np.int32)
    for column, weight in enumerate(weights):
        total += values[:, column] * np.int32(weight)
    return total


def number(values: npt.NDArray[np.int16], first: int, last: int) -> npt.NDArray[np.int32]:
    """Columns ``first`` (inclusive) to ``last`` (exclusive) of a digit matrix read as one number."""
    total = np.zeros(values.shape[0], dtype=np.int32)
    for column in range(first, last):
        total = total * 10 + values[:, column]
    return total


def with_nulls_of(s: pl.Series, result: npt.NDArray[np.generic]) -> pl.Series:
    """``result`` as a Series that is null wherever ``s`` is null."""
    out = pl.Series(s.name, result)
    if s.null_count() == 0:
        return out
    return pl.select(pl.when(s.is_not_null()).then(out)).to_series().alias(s.name)


def only_where(s: pl.Series, mask: pl.Series, change: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Apply ``change`` to the rows of ``mask`` only: clean columns cost one pattern test."""
    touched = int(mask.sum())  # nulls do not count
    if touched == 0:
        return s
    if touched == len(s):
        return change(s).alias(s.name)
    mask = mask.fill_null(False)
    rows = mask.arg_true()
    return s.clone().scatter(rows, change(s.filter(mask)))


def true_where(s: pl.Series, mask: pl.Series, test: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """``test`` of the rows of ``mask`` only; all other rows, and nulls, are False."""
    rows = mask.fill_null(False).arg_true()
    if len(rows) == len(s):
        return test(s).fill_null(False)
    out = pl.repeat(False, len(s), dtype=pl.Boolean, eager=True)
    return out.scatter(rows, test(s.gather(rows)).fill_null(False)) if len(rows) else out


def over_unique(s: pl.Series, change: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Apply ``change`` (a costly one) once per distinct value and spread the results."""
    distinct = s.unique()
    table = pl.DataFrame({"value": distinct, "result": change(distinct)})
    joined = s.to_frame("value").join(table, on="value", how="left", maintain_order="left", nulls_equal=True)
    return joined["result"].alias(s.name)
