"""Tax numbers (纳税人识别号) from before the unified social credit code.

- 15 characters: division (6) + organisation code (9, GB 11714) of an organisation;
- 15 digits that are a resident's old identity number;
- 17 or 20 characters: the 15- or 18-character identity number of a self-employed resident + 2 digits;
- 18 characters: the credit code itself, or a resident's identity number.
"""

from __future__ import annotations

import polars as pl

from connectors.standards import credit_code
from connectors.standards import organisation_code as org
from connectors.standards import resident_id as rid

ORGANISATION, RESIDENT, CREDIT_CODE = "organisation", "resident", "credit_code"


def normalise(s: pl.Series) -> pl.Series:
    """Upper case, half width, without blanks and dashes."""
    return credit_code.normalise(s)


def kind(s: pl.Series) -> pl.Series:
    """'organisation', 'resident', 'credit_code', or null where no reading has its checks right.

    About one 15-digit identity number in eleven also passes as division + organisation code; then the
    resident is believed, for a date of birth in the right place is the stronger witness.
    """
    return _parts(s)["kind"].alias(s.name)


def organisation_code(s: pl.Series) -> pl.Series:
    """The organisation code that the number carries; null for a resident's number and for no number."""
    return _parts(s)["organisation_code"].alias(s.name)


def resident_id(s: pl.Series) -> pl.Series:
    """The 18-character identity number of a self-employed resident's number; null otherwise."""
    return _parts(s)["resident_id"].alias(s.name)


def _parts(s: pl.Series) -> pl.DataFrame:
    length = s.str.len_bytes()
    identity = pl.select(
        pl.when(length.is_in([17, 20])).then(s.str.head(-2)).when(length.is_in([15, 18])).then(s)
    ).to_series()
    suffix_is_number = pl.select(
        pl.when(length.is_in([17, 20])).then(s.str.contains(r"[0-9]{2}$")).otherwise(True)
    ).to_series()
    identity = rid.normalise(identity)
    resident = rid.is_valid(identity).fill_null(False) & suffix_is_number
    credit = credit_code.is_valid(s).fill_null(False)
    tail = s.str.slice(6, 9)
    organisation = org.is_valid(tail).fill_null(False) & s.str.contains(r"^[0-9]{6}[0-9A-Z]{9}$").fill_null(False)
    code = credit_code.organisation_code(s)
    return pl.select(
        kind=pl.when(credit).then(pl.lit(CREDIT_CODE))
        .when(resident).then(pl.lit(RESIDENT))
        .when(organisation).then(pl.lit(ORGANISATION)),
        organisation_code=pl.when(credit).then(code).when(organisation & ~resident).then(tail),
        resident_id=pl.when(resident & ~credit).then(identity),
    )  # fmt: skip
