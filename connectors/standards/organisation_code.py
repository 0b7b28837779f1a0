"""Organisation code (组织机构代码), GB 11714-1997: 8 characters 0–9A–Z and a check character.

Written with or without a dash before the check character; the canonical form has none. It lives on as
positions 9–17 of the unified social credit code.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from connectors.standards import text
from connectors.standards._columns import (
    INVALID,
    byte_matrix,
    lookup,
    only_where,
    strings,
    weighted_sum,
    with_nulls_of,
)

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUE: Final = lookup(_ALPHABET)
_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
# 11 − (Σ mod 11), where 10 is written X and 11 is written 0.
_CHECK_CHARACTERS: Final = np.frombuffer(b"0X987654321", dtype=np.uint8)


def normalise(s: pl.Series) -> pl.Series:
    """Nine upper-case characters without dash and blanks."""

    def mend(rows: pl.Series) -> pl.Series:
        rows = text.half_width(text.strip_controls(rows)).str.to_uppercase()
        return rows.str.replace_all(r"[\s\-—–]", "")

    return only_where(s, ~s.str.contains(r"^[0-9A-Z]{9}$"), mend)


def is_valid(s: pl.Series) -> pl.Series:
    """True where the value is nine canonical characters with the right check."""
    matrix = byte_matrix(s, 9)
    values = _VALUE[matrix]
    known = (values[:, :8] != INVALID).all(axis=1)
    return with_nulls_of(s, known & (matrix[:, 8] == _CHECK_CHARACTERS[weighted_sum(values, _WEIGHTS) % 11]))


def make(body: pl.Series) -> pl.Series:
    """8 characters → the 9-character code; anything else → null."""
    matrix = byte_matrix(body, 8)
    values = _VALUE[matrix]
    whole = np.empty((len(body), 9), dtype=np.uint8)
    whole[:, :8] = matrix
    whole[:, 8] = _CHECK_CHARACTERS[weighted_sum(values, _WEIGHTS) % 11]
    return strings(whole, (values != INVALID).all(axis=1)).alias(body.name)
