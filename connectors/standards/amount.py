"""Sums of money as exact decimals in yuan. No float is ever made on the way."""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

from connectors.standards import text

Unit = Literal["yuan", "wan_yuan", "fen"]

YUAN: Final = pl.Decimal(18, 2)
# How many places the decimal point moves to the right to give fen.
_PLACES: Final[dict[str, int]] = {"yuan": 2, "wan_yuan": 6, "fen": 0}

_PLAIN: Final = r"^-?[0-9]{1,16}(?:\.[0-9]{1,2})?$"
"""What nearly every source sends: digits that are the sum as it stands."""

_SHAPE: Final = (
    r"^(?<open>\()?(?<sign>[-−+]?)(?:人民币|RMB|CNY|[¥￥])?(?<sign2>[-−]?)"
    r"(?<whole>\d+|\d{1,3}(?:,\d{3})+)?(?:\.(?<part>\d*))?"
    r"(?<unit>万元|万|元整|元|分)?(?<close>\))?$"
)


def yuan(s: pl.Series, unit: Unit = "yuan") -> pl.Series:
    """Texts such as '1,234.50', '(12.00)', '¥3.5万元' → Decimal(18, 2) in yuan.

    ``unit`` is what a bare number means; a unit written in the value wins. Brackets mean negative.
    Null: what is no sum, what has a fraction of a fen (never rounded), what needs more than 16 digits
    before the point, and scientific notation (its digits are already lost).
    Raises ValueError for an unknown unit.
    """
    if unit not in _PLACES:
        raise ValueError(f"unit {unit!r} of an amount is unknown: use one of {', '.join(_PLACES)}")
    if unit != "yuan":
        return _read(s, unit)
    plain = s.str.contains(_PLAIN)
    if plain.all():  # nulls do not count
        return s.cast(YUAN, strict=False)
    plain = plain.fill_null(True)
    sums = s.filter(plain).cast(YUAN, strict=False)
    # Taking a text apart costs twenty times as much: only the others are.
    order = pl.concat([plain.arg_true(), (~plain).arg_true()]).arg_sort()
    return pl.concat([sums, _read(s.filter(~plain), unit)]).gather(order)


def _read(s: pl.Series, unit: Unit) -> pl.Series:
    texts = text.half_width(s).str.replace_all(r"[\s\x{00A0}]", "")
    part = texts.str.extract_groups(_SHAPE).struct
    written = part.field("unit")
    digits, fraction = part.field("whole"), part.field("part")
    has_digits = digits.is_not_null() | (fraction.fill_null("") != "")
    brackets_match = part.field("open").is_not_null() == part.field("close").is_not_null()
    frame = pl.DataFrame(
        {
            "whole": digits.fill_null("").str.replace_all(",", "", literal=True),
            "fraction": fraction.fill_null("").str.strip_chars_end("0"),
            "places": written.replace_strict(
                {"万元": 6, "万": 6, "元整": 2, "元": 2, "分": 0}, default=None, return_dtype=pl.Int32
            ).fill_null(_PLACES[unit]),
            "sane": has_digits & brackets_match,
            "negative": part.field("open").is_not_null()
            | (part.field("sign").is_in(["-", "−"]))
            | (part.field("sign2").is_in(["-", "−"])),
        }
    )
    whole, fraction_, places = pl.col("whole"), pl.col("fraction"), pl.col("places")
    fen = pl.concat_str(whole, fraction_, pl.lit("0").repeat_by(places - fraction_.str.len_bytes()).list.join(""))
    exact = fraction_.str.len_bytes().cast(pl.Int32) <= places
    return (
        frame.with_columns(exact=exact)
        .with_columns(fraction=pl.when("exact").then(fraction_).otherwise(pl.lit("")))
        .with_columns(fen=fen.str.strip_chars_start("0").str.zfill(3))
        .select(
            pl.when(pl.col("sane") & pl.col("exact") & (pl.col("fen").str.len_bytes() <= 18)).then(
                pl.concat_str(
                    pl.when("negative").then(pl.lit("-")).otherwise(pl.lit("")),
                    pl.col("fen").str.head(-2),
                    pl.lit("."),
                    pl.col("fen").str.tail(2),
                ).cast(YUAN, strict=False)
            )
        )
        .to_series()
        .alias(s.name)
    )
