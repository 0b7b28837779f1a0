"""Tax numbers (纳税人识别号) from before the unified social credit code.

- 15 characters: division (6) + organisation code (9, GB 11714) of an organisation;
- 15 digits that are a resident's old identity number;
- 17 or 20 characters: the 15- or 18-character identity number of a self-employed resident + 2 digits;
- 18 characters: the credit code itself, or a resident's identity number.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl

from connectors.standards import credit_code
from connectors.standards import organisation_code as org
from connectors.standards import resident_id as rid
from connectors.standards._columns import only_where, true_where

ORGANISATION, RESIDENT, CREDIT_CODE = "organisation", "resident", "credit_code"


# The old form with a month in its place: of the numbers of organisations few get past it.
_IDENTITY: Final = r"^[0-9]{17}[0-9X](?:[0-9]{2})?$|^[0-9]{8}(?:0[1-9]|1[0-2])[0-3][0-9]{4}(?:[0-9]{2})?$"
_DIVISION: Final = r"^[0-9]{6}"


def normalise(s: pl.Series) -> pl.Series:
    """Upper case, half width, without blanks and dashes."""
    return credit_code.normalise(s)


def kind(s: pl.Series) -> pl.Series:
    """'organisation', 'resident', 'credit_code', or null where no reading has its checks right.

    About one 15-digit identity number in eleven also passes as division + organisation code; then the
    resident is believed, for a date of birth in the right place is the stronger witness.
    """
    found = _read(s)
    label = (
        pl.when(found.credit).then(pl.lit(CREDIT_CODE))
        .when(found.resident).then(pl.lit(RESIDENT))
        .when(found.organisation).then(pl.lit(ORGANISATION))
    )  # fmt: skip
    return pl.select(label).to_series().alias(s.name)


def organisation_code(s: pl.Series) -> pl.Series:
    """The organisation code that the number carries; null for a resident's number and for no number."""
    found = _read(s)
    first = pl.when(found.credit).then(8).otherwise(6)
    carries = found.credit | found.organisation
    return pl.select(pl.when(carries).then(pl.lit(s).str.slice(first, 9))).to_series().alias(s.name)


def resident_id(s: pl.Series) -> pl.Series:
    """The 18-character identity number of a self-employed resident's number; null otherwise."""
    found = _read(s)
    return pl.select(pl.when(found.resident).then(found.identity)).to_series().alias(s.name)


class _Reading(NamedTuple):
    """Rows by what they are, each row at most one of the three, and their identity numbers, right or wrong."""

    credit: pl.Series
    resident: pl.Series
    organisation: pl.Series
    identity: pl.Series


def _read(s: pl.Series) -> _Reading:
    """Each reading is tried only on the rows that have its length and that no stronger one has taken."""
    length = s.str.len_bytes()
    credit = true_where(s, length == 18, credit_code.is_valid)
    bare, with_suffix = length.is_in([15, 18]) & ~credit, length.is_in([17, 20])
    may = true_where(s, bare | with_suffix, lambda rows: rows.str.contains(_IDENTITY))
    identity = only_where(s, with_suffix & may, lambda rows: rows.str.head(-2))
    identity = rid.upgrade(identity)
    resident = true_where(identity, may, rid.is_valid)
    may_be_firm = (length == 15) & ~resident
    organisation = true_where(
        s, may_be_firm, lambda rows: rows.str.contains(_DIVISION) & org.is_valid(rows.str.slice(6, 9))
    )
    return _Reading(credit, resident, organisation, identity)
