"""Identifiers of public warnings: 31 characters ZZZZZZDDDUUUXX_YYYYMMDDhhmmss_N.

Area (GB/T 2260, 6 digits), kind of office (3), office (3), a serial of two, the local time of issue, a running digit.
"""

from __future__ import annotations

import polars as pl

from connectors.standards import text

LENGTH = 31
_SHAPE = r"^[0-9]{6}[0-9]{3}[0-9]{3}[0-9]{2}_[0-9]{14}_[0-9]$"


def normalise(s: pl.Series) -> pl.Series:
    """Half width, without blanks."""
    return text.half_width(text.strip_controls(s)).str.replace_all(r"\s", "")


def is_valid(s: pl.Series) -> pl.Series:
    """True where the value has the shape and its time exists."""
    shaped = s.str.contains(_SHAPE)
    return pl.select(pl.when(shaped).then(issued_at(s).is_not_null()).otherwise(shaped).alias(s.name)).to_series()


def issued_at(s: pl.Series) -> pl.Series:
    """The local time of issue (naive), null where there is none."""
    return s.str.slice(15, 14).str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="us")
