"""Citizen identity number (公民身份号码), GB 11643-1999, ISO 7064 MOD 11-2.

18 characters: division (6), birth date (8), sequence (3; odd male, even female), check character.
Residence permits of Hong Kong, Macao and Taiwan residents (81…, 82…, 83…) and permanent residence
cards of foreigners (9…) obey the same rule. The division is never judged by today's list: an abolished
code stays in its bearers' numbers for life.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from connectors.standards import text
from connectors.standards._columns import (
    INVALID,
    Bools,
    Bytes,
    Ints,
    byte_matrix,
    lookup,
    number,
    only_where,
    strings,
    weighted_sum,
    with_nulls_of,
)

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS: Final = np.frombuffer(b"10X98765432", dtype=np.uint8)
_DIGIT: Final = lookup("0123456789")
_CENTENARIANS: Final = 996
_FIRST_YEAR, _LAST_YEAR = 1850, 2099
_MONTH_LENGTHS: Final = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int32)

_DOCUMENTS: Final = {"81": "hong_kong", "82": "macao", "83": "taiwan"} | {f"9{digit}": "foreign" for digit in range(10)}

_CANONICAL: Final = r"^[0-9]{17}[0-9X]$"
# Blanks, dashes, a spreadsheet's leading apostrophe; look-alikes of X are Greek and Cyrillic.
_OLD: Final = r"^[0-9]{15}$"
_NOISE: Final = r"[\s\-—–_'’`‘]"
_LOOKALIKES: Final = {"x": "X", "×": "X", "Χ": "X", "Х": "X", "х": "X", "χ": "X"}


def normalise(s: pl.Series) -> pl.Series:
    """The canonical 18 characters where they can be had, otherwise the cleaned value.

    Full-width characters, lower-case x, blanks and dashes are mended; 15-digit numbers of the old form
    gain their century and check character, save those of ``centenarian_flag``, whose century is not 19,
    and those whose date does not exist.
    """

    def cleaned(rows: pl.Series) -> pl.Series:
        rows = text.half_width(text.strip_controls(rows))
        rows = rows.str.replace_all(_NOISE, "")
        return rows.str.replace_many(list(_LOOKALIKES), list(_LOOKALIKES.values()))

    def mend(rows: pl.Series) -> pl.Series:
        return upgrade(only_where(rows, ~rows.str.contains(_OLD), cleaned))

    return only_where(s, ~s.str.contains(_CANONICAL), mend)


def is_valid(s: pl.Series) -> pl.Series:
    """True where the value is canonical, has a possible birth date (1850–2099) and the right check."""
    matrix = byte_matrix(s, 18)
    values = _DIGIT[matrix]
    digits = (values[:, :17] != INVALID).all(axis=1)
    _, possible = _dates(values)
    expected = _CHECK_CHARACTERS[weighted_sum(values, _WEIGHTS) % 11]
    return with_nulls_of(s, digits & possible & (values[:, 0] > 0) & (matrix[:, 17] == expected))


def birth_date(s: pl.Series) -> pl.Series:
    """Date of birth written in canonical numbers; null where there is none.

    The check character is not looked at: ask ``is_valid`` whether to believe the number.
    """
    values = _DIGIT[byte_matrix(s, 18)]
    days, possible = _dates(values)
    out = pl.Series(s.name, days.astype(np.int32)).cast(pl.Date)
    return pl.select(pl.when(pl.Series(possible)).then(out)).to_series().alias(s.name)


def sex(s: pl.Series) -> pl.Series:
    """'male' or 'female' from the sequence of canonical numbers; null otherwise."""
    values = _DIGIT[byte_matrix(s, 18)]
    digits = pl.Series((values[:, :17] != INVALID).all(axis=1))
    male = pl.Series(values[:, 16] % 2 == 1)
    choice = pl.when(male).then(pl.lit("male")).otherwise(pl.lit("female"))
    return pl.select(pl.when(digits).then(choice)).to_series().alias(s.name)


def kind(s: pl.Series) -> pl.Series:
    """What document a canonical number is of, by its first digits; null otherwise. The check is not looked at.

    'resident' (citizens), 'hong_kong', 'macao' and 'taiwan' (residence permits of 2018: 810000, 820000, 830000),
    'foreign' (the permanent residence card of 2023, which begins with 9). The older card of foreigners (three
    letters and twelve digits) and travel permits are other documents, and are not valid here.
    """
    document = s.str.head(2).replace_strict(_DOCUMENTS, default="resident", return_dtype=pl.String)
    return pl.select(pl.when(s.str.contains(_CANONICAL)).then(document)).to_series().alias(s.name)


def centenarian_flag(s15: pl.Series) -> pl.Series:
    """True where a 15-digit number has sequence 996–999.

    The old form reserved these for people born before 1900, so the century must be found elsewhere.
    """
    return s15.str.contains(r"^[0-9]{12}99[6-9]$")


def make(division: pl.Series, birth: pl.Series, sequence: pl.Series) -> pl.Series:
    """Compose numbers from 6-digit divisions, Dates and sequences 0–999; null where a part is amiss."""
    dates = birth.dt.strftime("%Y%m%d")
    numbers = pl.select(pl.when(sequence.is_between(0, 999)).then(sequence.cast(pl.String).str.zfill(3))).to_series()
    body = division + dates + numbers
    return _with_check(body).alias(division.name)


def _with_check(body: pl.Series) -> pl.Series:
    """17 digits → 18 characters; anything else → null."""
    matrix = byte_matrix(body, 17)
    values = _DIGIT[matrix]
    whole: Bytes = np.empty((len(body), 18), dtype=np.uint8)
    whole[:, :17] = matrix
    whole[:, 17] = _CHECK_CHARACTERS[weighted_sum(values, _WEIGHTS) % 11]
    return strings(whole, (values != INVALID).all(axis=1))


def upgrade(s: pl.Series) -> pl.Series:
    """15 digits → 18 characters where the old number is unambiguous; everything else stays as it is.

    Ambiguous are the sequences of ``centenarian_flag``; impossible are dates that 19.. did not have.
    """

    def change(rows: pl.Series) -> pl.Series:
        old = byte_matrix(rows, 15)
        whole: Bytes = np.empty((len(rows), 18), dtype=np.uint8)
        whole[:, :6], whole[:, 6:8], whole[:, 8:17] = old[:, :6], (ord("1"), ord("9")), old[:, 6:]
        values = _DIGIT[whole[:, :17]]
        whole[:, 17] = _CHECK_CHARACTERS[weighted_sum(values, _WEIGHTS) % 11]
        _, possible = _dates(values)
        return strings(whole, possible & (number(values, 14, 17) < _CENTENARIANS)).fill_null(rows)

    return only_where(s, s.str.contains(_OLD), change)


def _dates(values: np.ndarray[tuple[int, ...], np.dtype[np.int16]]) -> tuple[Ints, Bools]:
    """Days since 1970-01-01 of the digits 7–14 and whether there is such a day (0 where there is not)."""
    year, month, day = number(values, 6, 10), number(values, 10, 12), number(values, 12, 14)
    digits = (values[:, 6:14] != INVALID).all(axis=1)
    in_range = digits & (year >= _FIRST_YEAR) & (year <= _LAST_YEAR) & (month >= 1) & (month <= 12)
    year, month = np.where(in_range, year, 1970), np.where(in_range, month, 1)
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    length = _MONTH_LENGTHS[month] + ((month == 2) & leap)
    possible = in_range & (day >= 1) & (day <= length)
    # Days from the civil calendar, counting years from 1 March so that leap days come last.
    shifted = year - (month <= 2)
    era = shifted // 400
    year_of_era = shifted - era * 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    days = era.astype(np.int64) * 146097 + day_of_era - 719468
    return np.where(possible, days, 0), possible
