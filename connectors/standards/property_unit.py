"""不动产单元代码, GB/T 37346-2019: 28 characters, a parcel of 19 and what stands on it, 9.

Parcel: county-level division (6), cadastral district (3), sub-district (3), kind of right (2 letters: who owns the
land G J Z, which right to it A–Z), serial (5). Then F for a house, L for trees, Q for other things, W for bare land,
with the building (4) and the unit in it (4); bare land has zeros there.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.standards import text
from connectors.standards._columns import only_where

PARCEL: Final = 19
_VALID: Final = r"^[1-8][0-9]{11}[GJZ][A-Z][0-9]{5}(?:[FLQ][0-9]{8}|W0{8})$"


def normalise(s: pl.Series) -> pl.Series:
    """Upper case, half width, without the blanks and dashes with which it is printed in groups."""
    return only_where(
        s,
        ~s.str.contains(_VALID),
        lambda rows: text.half_width(text.strip_controls(rows)).str.to_uppercase().str.replace_all(r"[\s\-—–]", ""),
    )


def is_valid(s: pl.Series) -> pl.Series:
    """True where the value has the shape of a code; there is no check digit."""
    return s.str.contains(_VALID)


def parse(s: pl.Series) -> pl.DataFrame:
    """DataFrame(parcel: 19 characters, thing: F house, L trees, Q other, W land, building, unit); null if invalid."""
    valid = is_valid(s).fill_null(False)
    code = pl.when(valid).then(pl.col("code"))
    return s.to_frame("code").select(
        parcel=code.str.slice(0, PARCEL),
        thing=code.str.slice(PARCEL, 1),
        building=code.str.slice(PARCEL + 1, 4),
        unit=code.str.slice(PARCEL + 5, 4),
    )
