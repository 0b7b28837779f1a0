"""Texts as numbers: a town's few hundred thousand names, numbers and doors are told apart by codes, not read again.

Columns of `CODED` have the code of each text, and the texts once for all columns. Codes hold within a process: nothing
that is kept may rest on them (`hashes` has what may).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow.compute as pc

CODED = pl.Categorical()
_CODES = 2**32
"""More than there are codes, so that two of them are one number."""


def each_once(written: pl.Series, read: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
    """What `read` has of each distinct text, for all rows; texts come coded, and nulls stay null."""
    array = pc.dictionary_encode(written.cast(pl.String).to_arrow())
    found = read(pl.Series(array.dictionary, dtype=pl.String))
    rows = pl.Series(array.indices, dtype=pl.UInt32)
    return found.with_columns(pl.col(pl.String).cast(CODED)).select(pl.all().gather(rows))


def tally(
    groups: npt.NDArray[np.int64], column: pl.Series, wanted: pl.Series | None = None
) -> tuple[pl.DataFrame, int]:
    """(column and count: in how many groups of rows each value, or each of those `wanted`, occurs; how many pairs there
    are).

    `groups` are numbers below 2³¹, `column` is coded.
    """
    counts = occurrences(groups, codes_of(column))
    return counted(column, counts, wanted), int(counts.sum())


def occurrences(groups: npt.NDArray[np.int64], codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """By code: in how many groups of rows it occurs; a code below zero is none."""
    known = codes >= 0
    return np.bincount(distinct(groups[known] << 32 | codes[known]) & (_CODES - 1))


def counted(column: pl.Series, counts: npt.NDArray[np.int64], wanted: pl.Series | None = None) -> pl.DataFrame:
    """column and count of its values that occur, by the counts of their codes; or of all those `wanted`."""
    values = column if wanted is None else wanted
    named = codes_of(values)
    counts = np.pad(counts, (0, max(0, named.max(initial=-1) + 1 - len(counts))))
    place = np.zeros(len(counts), np.int64)
    at = np.flatnonzero(named >= 0)
    place[named[at]] = at
    asked = np.zeros(len(counts), bool)
    asked[named[at]] = True
    found = np.flatnonzero(asked & (counts > 0) if wanted is None else asked)
    return pl.DataFrame({column.name: values[place[found]].cast(CODED), "count": counts[found]})


def spread(values: pl.Series, numbers: pl.Series, onto: pl.Series) -> pl.Series:
    """The numbers of distinct coded values, for each row of another column; null where a value has none."""
    codes, wanted = codes_of(values), codes_of(onto)
    known = np.full(max(codes.max(initial=0), wanted.max(initial=0)) + 2, np.nan)
    known[codes] = numbers.to_numpy()
    return pl.Series(numbers.name, known[wanted], nan_to_null=True)


def looked_up(values: pl.Series, found: pl.DataFrame, onto: pl.Series) -> pl.DataFrame:
    """What was found of distinct coded values, for each row of another column; nulls where nothing was."""
    codes, wanted = codes_of(values), codes_of(onto)
    place = np.full(max(codes.max(initial=0), wanted.max(initial=0)) + 2, len(codes))
    place[codes] = np.arange(len(codes))
    return pl.concat([found, found.clear(1)])[place[wanted]]


def distinct(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Each of these numbers (none below zero) once, sorted: of millions several times quicker than `np.unique`."""
    ordered = np.sort(numbers)
    return np.asarray(ordered[np.diff(ordered, prepend=-1) != 0])


def as_texts(rows: pl.DataFrame) -> pl.DataFrame:
    """The same with texts for codes, for those who know nothing of ours."""
    return rows.with_columns(pl.col(CODED).cast(pl.String))


def codes_of(values: pl.Series) -> npt.NDArray[np.int64]:
    """Codes of texts, -1 for null."""
    return values.cast(CODED).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()


def keys_of(rows: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """One number for the values of one or two columns, the same in the same process; null where one of them is."""
    parts = [
        (pl.col(name).cast(CODED) if rows.schema[name] == pl.String else pl.col(name)).to_physical().cast(pl.UInt64)
        for name in columns
    ]
    if len(parts) > 2:
        raise ValueError(f"a key is of one or two columns, not of {', '.join(columns)}")
    return rows.select(key=parts[0] if len(parts) == 1 else parts[0] * _CODES + parts[1]).to_series()
