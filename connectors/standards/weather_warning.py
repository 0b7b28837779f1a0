"""Identifier of a weather warning (预警信息标识), 31 characters: ZZZZZZDDDUUUXX_YYYYMMDDhhmmss_N.

Division (6), department (3), unit (3) and account (2) of the sender, the moment of issue in China Standard Time, and
the number of the message in its chain. An update or cancellation is a message of its own that names the identifiers it
replaces. The parts' names are our reading; the specification was not at hand.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.standards import text
from connectors.standards._columns import only_where

_VALID: Final = (
    r"^(?<division>[1-8][0-9]{5})(?<department>[0-9]{3})(?<unit>[0-9]{3})(?<account>[0-9]{2})"
    r"_(?<issued>[0-9]{14})_(?<number>[0-9])$"
)


def normalise(s: pl.Series) -> pl.Series:
    """Half width, without blanks; a dash between the parts becomes the underscore of the rule."""
    return only_where(
        s,
        ~s.str.contains(_VALID),
        lambda rows: text.half_width(text.strip_controls(rows)).str.replace_all(r"\s", "").str.replace_all("-", "_"),
    )


def is_valid(s: pl.Series) -> pl.Series:
    """True where the value has the shape of the rule and was issued at a possible moment."""
    possible = parse(s)["issued"].is_not_null()
    return pl.select(pl.when(s.is_not_null()).then(possible)).to_series().alias(s.name)


def parse(s: pl.Series) -> pl.DataFrame:
    """DataFrame(division, department, unit, account, number: strings; issued: Datetime without zone, China time)."""
    parts = s.to_frame("id").select(pl.col("id").str.extract_groups(_VALID)).to_series().struct
    issued = parts.field("issued").str.to_datetime("%Y%m%d%H%M%S", time_unit="us", strict=False)
    names = ("division", "department", "unit", "account", "number")
    possible = issued.is_not_null()
    return pl.select(*(pl.when(possible).then(parts.field(name)).alias(name) for name in names), issued.alias("issued"))
