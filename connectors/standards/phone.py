"""Telephone numbers of mainland China: mobiles of 11 digits and landlines with their area code.

A phone is contact data and weak evidence: many elders share one, numbers are recycled, and a
placeholder typed to get past a form is no number at all.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.standards import text
from connectors.standards._columns import only_where

_MOBILE: Final = r"^1[3-9][0-9]{9}$"
_LANDLINE: Final = r"^0(?:10|2[0-9])[2-8][0-9]{7}$|^0[3-9][0-9]{2}[2-8][0-9]{6,7}$"
_NUMBER: Final = f"{_MOBILE}|{_LANDLINE}"
_LISTED: Final = [
    "13800138000",
    "13888888888",
    "13900000000",
    "12345678901",
    "13912345678",
    "18888888888",
]
# The regex engine has no back-references, so "all the same" is spelled out.
_ALL_SAME: Final = "^(?:" + "|".join(f"{digit}{{5,}}" for digit in range(10)) + ")$"
_SAME_TAIL: Final = "^1[3-9](?:" + "|".join(f"{digit}{{9}}" for digit in range(10)) + ")$"
_SAME_LINE: Final = r"^0[0-9]{2,3}(?:" + "|".join(f"{digit}{{7,8}}" for digit in range(10)) + ")$"
_WORDS: Final = r"^(?:无|没有|不详|未知|暂无|空|null|NULL|None|-+|/+|0)$"
_PLACEHOLDER: Final = "|".join([f"^(?:{'|'.join(_LISTED)})$", _ALL_SAME, _SAME_TAIL, _WORDS, _SAME_LINE])


def normalise(s: pl.Series, area_code: str = "0571") -> pl.Series:
    """Digits only, `1xxxxxxxxxx` or `05718xxxxxxx`; placeholders become null (they are missing, not wrong).

    Country code, blanks, brackets with their remarks and extensions go; of several numbers in one cell the
    first is kept; a local number of 7 or 8 digits gains ``area_code``. What is no number stays, cleaned.
    """

    def mend(rows: pl.Series) -> pl.Series:
        rows = text.half_width(text.strip_controls(rows)).str.strip_chars()
        rows = rows.str.replace(r"\.0$", "").str.replace_all(r"\([^()0-9]*\)", "")
        rows = rows.str.replace(r"^(.*?[0-9]{7,}[^,;/、|]*)[,;/、|].*$", "${1}")
        rows = rows.str.replace(r"(?:转|分机|ext\.?|#|\*).*$", "").str.replace(r"-([0-9]{8})-[0-9]{1,5}$", "-${1}")
        rows = rows.str.replace_all(r"[\s\-—–_().·]", "")
        rows = rows.str.replace(r"^(?:\+|00)?86(1[3-9][0-9]{9}|0?[1-9][0-9]{8,10})$", "${1}")
        rows = rows.str.replace(r"^0(1[3-9][0-9]{9})$", "${1}")
        rows = rows.str.replace(r"^([3-9][0-9]{2}[2-8][0-9]{7})$", "0${1}")
        return rows.str.replace(r"^([2-8][0-9]{6,7})$", f"{area_code}${{1}}")

    out = only_where(s, ~s.str.contains(_NUMBER), mend)
    placeholder = is_placeholder(out) | (out == "")
    if not placeholder.any():
        return out
    return pl.select(pl.when(~placeholder).then(out)).to_series().alias(s.name)


def is_placeholder(s: pl.Series) -> pl.Series:
    """True for numbers typed only to fill a form: all digits the same, 13800138000, and their like."""
    return s.str.contains(_PLACEHOLDER)


def is_valid(s: pl.Series) -> pl.Series:
    """True for canonical mobiles (^1[3-9]\\d{9}$) and landlines that are not placeholders."""
    return s.str.contains(_NUMBER) & ~is_placeholder(s)


def is_mobile(s: pl.Series) -> pl.Series:
    """True for canonical mobile numbers."""
    return s.str.contains(_MOBILE)
