"""Unified social credit code (统一社会信用代码), GB 32100-2015.

18 characters: registration authority and class (2), division of registration (6), organisation code with
its own check (9, GB 11714), check character. Both checks are tested: two independent witnesses against
a typing error. Authorities that begin with a letter (A military, N rural, Y other) are as good as digits.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from connectors.standards import organisation_code as org
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

KINDS: Final = {
    "11": "government_organ", "12": "public_institution", "51": "social_organisation", "52": "private_non_enterprise",
    "53": "foundation", "54": "committee", "91": "enterprise", "92": "self_employed", "93": "cooperative",
    "N1": "rural_collective", "N2": "rural_collective", "N3": "rural_collective",
}  # fmt: skip

_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_VALUE: Final = lookup(_ALPHABET)
_CHARACTERS: Final = np.frombuffer(_ALPHABET.encode(), dtype=np.uint8)
_WEIGHTS: Final = tuple(pow(3, power, 31) for power in range(17))
_CANONICAL: Final = r"^[0-9A-Z]{18}$"


def normalise(s: pl.Series) -> pl.Series:
    """Upper case, half width, without blanks and dashes; letters that look like digits stay as typed."""

    def mend(rows: pl.Series) -> pl.Series:
        rows = text.half_width(text.strip_controls(rows)).str.to_uppercase()
        return rows.str.replace_all(r"[\s\-—–'’‘]", "")

    return only_where(s, ~s.str.contains(_CANONICAL), mend)


def is_valid(s: pl.Series) -> pl.Series:
    """True where the value is canonical and both its own and the organisation code's check are right."""
    matrix = byte_matrix(s, 18)
    values = _VALUE[matrix]
    known = (values != INVALID).all(axis=1)
    division = (values[:, 2:8] <= 9).all(axis=1)
    check = (31 - weighted_sum(values, _WEIGHTS) % 31) % 31
    inner = org.is_valid(s.str.slice(8, 9)).fill_null(False).to_numpy()
    return with_nulls_of(s, known & division & (values[:, 17] == check) & inner)


def kind(s: pl.Series) -> pl.Series:
    """What the first two characters say a canonical code is of: a value of ``KINDS``, 'other', or null.

    The classes are as remembered; the text of GB 32100 was not at hand.
    """
    labels = s.str.head(2).replace_strict(KINDS, default="other", return_dtype=pl.String)
    return pl.select(pl.when(s.str.contains(_CANONICAL)).then(labels)).to_series().alias(s.name)


def organisation_code(s: pl.Series) -> pl.Series:
    """The organisation code inside (positions 9–17); null where the value is not 18 characters."""
    canonical = s.str.contains(_CANONICAL)
    return pl.select(pl.when(canonical).then(s.str.slice(8, 9))).to_series().alias(s.name)


def division(s: pl.Series) -> pl.Series:
    """The division of first registration (positions 3–8), which later moves do not change."""
    canonical = s.str.contains(_CANONICAL)
    return pl.select(pl.when(canonical).then(s.str.slice(2, 6))).to_series().alias(s.name)


def make(authority_class: str | pl.Series, division: pl.Series, org_serial8: pl.Series) -> pl.Series:
    """Compose codes; null where a part is amiss.

    ``authority_class`` is two characters such as '91' (firm) or '92' (self-employed), ``division`` six
    digits, ``org_serial8`` the eight characters before the organisation code's check, or integers below
    10⁸, which are padded with zeros.
    """
    serial = org_serial8 if org_serial8.dtype == pl.String else org_serial8.cast(pl.String).str.zfill(8)
    body = authority_class + division + org.make(serial)
    matrix = byte_matrix(body, 17)
    values = _VALUE[matrix]
    whole = np.empty((len(body), 18), dtype=np.uint8)
    whole[:, :17] = matrix
    whole[:, 17] = _CHARACTERS[(31 - weighted_sum(values, _WEIGHTS) % 31) % 31]
    return strings(whole, (values != INVALID).all(axis=1)).alias(division.name)
