"""Number plates of vehicles, GA 36: ordinary, special-purpose and new-energy."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.standards import text
from connectors.standards._columns import only_where

_OFFICE: Final = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z]"
_SYMBOL: Final = "[A-HJ-NP-Z0-9]"
# The order matters: the first pattern that fits names the kind.
_KINDS: Final = {
    "new_energy_small": f"^{_OFFICE}[A-HJK]{_SYMBOL}[0-9]{{4}}$",
    "new_energy_large": f"^{_OFFICE}[0-9]{{5}}[DF]$",
    "trailer": f"^{_OFFICE}{_SYMBOL}{{4}}挂$",
    "learner": f"^{_OFFICE}{_SYMBOL}{{4}}学$",
    "police": f"^{_OFFICE}{_SYMBOL}{{4}}警$",
    "hong_kong": f"^{_OFFICE}{_SYMBOL}{{4}}港$",
    "macao": f"^{_OFFICE}{_SYMBOL}{{4}}澳$",
    "ordinary": f"^{_OFFICE}{_SYMBOL}{{5}}$",
}


def normalise(s: pl.Series) -> pl.Series:
    """Upper case, half width, without blanks, dots and dashes.

    After the office's letter O is read as 0 and I as 1: plates use neither letter.
    """

    def mend(rows: pl.Series) -> pl.Series:
        rows = text.half_width(text.strip_controls(rows)).str.to_uppercase()
        rows = rows.str.replace_all(r"[\s·•・.\-—–_]", "")
        return rows.str.slice(0, 2) + rows.str.slice(2).str.replace_many(["O", "I"], ["0", "1"])

    return only_where(s, ~is_valid(s), mend)


def kind(s: pl.Series) -> pl.Series:
    """new_energy_small, new_energy_large, trailer, learner, police, hong_kong, macao, ordinary, or null."""
    plate = pl.col("plate")
    matched = [pl.when(plate.str.contains(pattern)).then(pl.lit(name)) for name, pattern in _KINDS.items()]
    return s.to_frame("plate").select(pl.coalesce(matched)).to_series().alias(s.name)


def is_valid(s: pl.Series) -> pl.Series:
    """True where the value is a canonical plate of any kind."""
    return s.str.contains("|".join(_KINDS.values()))
