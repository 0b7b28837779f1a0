"""Numbers of bank accounts and cards: 8 to 32 digits (GB/T 16711 numbers cards with 13 to 19; passbooks run shorter).

Which length a bank uses is its own affair and accounts have no check digit, so no more can be told from the number
alone. What can be told is a number that a spreadsheet took for a quantity: 6.22848E+18 is nobody's account.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.standards import text
from connectors.standards._columns import only_where

_VALID: Final = r"^[0-9]{8,32}$"


def normalise(s: pl.Series) -> pl.Series:
    """Half width, without the blanks and dashes that part groups of four. Lost digits cannot be mended."""
    return only_where(
        s,
        ~s.str.contains(_VALID),
        lambda rows: text.half_width(text.strip_controls(rows)).str.replace_all(r"[\s\-—–'’‘]", ""),
    )


def is_valid(s: pl.Series) -> pl.Series:
    """True where the value is 8 to 32 digits that are not all the same."""
    same = pl.concat([s.str.slice(0, 1).to_frame("first"), s.to_frame("all")], how="horizontal").select(
        pl.col("all").str.strip_chars(pl.col("first")) == ""
    )
    return s.str.contains(_VALID) & ~same.to_series()
