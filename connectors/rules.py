"""What each logical type and each standard does to a column.

A rule takes the cleaned texts of a column and gives typed values, null where it could not, with the reason. It
never raises on a bad value and never looks at one row alone. Rules know nothing of rows, quarantine or landing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from zoneinfo import ZoneInfo

import polars as pl

from connectors import plain_times
from connectors.contract import Column
from connectors.standards import (
    amount,
    bank_account,
    codes,
    credit_code,
    device_id,
    disability,
    legacy_tax,
    person_name,
    phone,
    property_unit,
    resident_id,
    text,
    weather_warning,
)

_NAMES_POLYGON = re.compile(r'"type"\s*:\s*"(Multi)?Polygon"')
TIMESTAMP = pl.Datetime("us", "UTC")

DTYPES: dict[str, pl.DataType] = {
    "string": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "date": pl.Date(),
    "timestamp": TIMESTAMP,
    "boolean": pl.Boolean(),
}


@dataclass
class Judged:
    """Typed values of a column (null where there are none) and, per reason, the rows that are wrong."""

    values: pl.Series
    wrong: dict[str, pl.Series] = field(default_factory=dict)
    corrected: dict[str, pl.Series] = field(default_factory=dict)


def column_dtype(column: Column) -> pl.DataType:
    """The type a conformed column has in memory."""
    return amount.YUAN if column.semantic_type == "cn.amount" else DTYPES[column.logical_type]


def judge(texts: pl.Series, column: Column, timezone: ZoneInfo) -> Judged:
    """The rule of the column, applied. `texts` are strings without surrounding blanks; "" never occurs."""
    if column.codes:
        return _from_codes(texts, column.codes)
    rule = _SEMANTIC_RULES.get(column.semantic_type or "")
    if rule is not None:
        return rule(texts, column)
    match column.logical_type:
        case "integer":
            return _integer(texts)
        case "number":
            return _number(texts)
        case "date":
            return _date(texts)
        case "timestamp":
            return _timestamp(texts, timezone, epoch=column.format == "epoch")
        case "boolean":
            return _boolean(texts)
        case _:
            return Judged(texts)


def _all_have(texts: pl.Series, values: pl.Series) -> bool:
    """Whether every text has a value. No rule makes a value of no text, so that counting tells: most columns of most
    pages are without fault, and each look at their rows costs as much as the work on a thousand of them."""
    return texts.null_count() == values.null_count()


def _failed(texts: pl.Series, values: pl.Series) -> pl.Series:
    """Rows that had a text and have no value."""
    return texts.is_not_null() & values.is_null()


def _wrong(reason: str, texts: pl.Series, values: pl.Series) -> dict[str, pl.Series]:
    """The rows that had a text and have no value, with what is wrong with them; nothing where there are none."""
    return {} if _all_have(texts, values) else {reason: _failed(texts, values)}


def _from_codes(texts: pl.Series, mapping: dict[str, str]) -> Judged:
    values = texts.to_frame("text").select(_decoder(tuple(mapping.items()))).to_series().alias(texts.name)
    return Judged(values, _wrong("unknown_code", texts, values))


@lru_cache(maxsize=1_024)
def _decoder(mapping: tuple[tuple[str, str], ...]) -> pl.Expr:
    """By the place of a code among all of them: two to five times as fast as polars' replacing. Kept, for to write it
    takes as long as to read a thousand codes by it."""
    values = pl.Series([value for _, value in mapping], dtype=pl.String)
    code = pl.col("text").cast(pl.Enum([code for code, _ in mapping]), strict=False)
    return pl.lit(values).gather(code.to_physical())


def _without(values: pl.Series, wrong: pl.Series) -> pl.Series:
    """The values with those of the wrong rows made null."""
    return pl.select(pl.when(~wrong).then(values)).to_series() if wrong.any() else values


def _checked(
    normalise: Callable[[pl.Series], pl.Series], is_valid: Callable[[pl.Series], pl.Series], reason: str
) -> Callable[[pl.Series, Column], Judged]:
    """A standard with a canonical form and a test; a number that lost digits in a spreadsheet is told apart."""

    def rule(texts: pl.Series, column: Column) -> Judged:
        values = normalise(texts)
        valid = is_valid(values)
        if valid.all() and _all_have(texts, values):
            return Judged(values)
        wrong = texts.is_not_null() & ~valid.fill_null(False)
        values = _without(values, wrong)
        if not wrong.any():
            return Judged(values)
        lost = wrong & texts.str.contains(r"^\d(?:\.\d+)?[eE]\+?\d+$").fill_null(False)
        return Judged(values, {reason: wrong & ~lost, "lost_precision": lost})

    return rule


def _phone(texts: pl.Series, column: Column) -> Judged:
    values = phone.normalise(texts)
    mobile = phone.is_mobile(values)
    if mobile.all() and _all_have(texts, values):
        return Judged(values)
    valid = mobile.fill_null(False)
    rest = (values.is_not_null() & ~valid).arg_true()
    if len(rest):
        valid = valid.scatter(rest, phone.is_valid(values[rest]).fill_null(False))
    wrong = texts.is_not_null() & ~valid
    if wrong.any():
        rows = wrong.arg_true()
        wrong = wrong.scatter(rows, ~phone.is_placeholder(texts[rows]).fill_null(False))
    return Judged(_without(values, ~valid), {"invalid_phone": wrong})


def _person_name(texts: pl.Series, column: Column) -> Judged:
    values = person_name.normalise(texts)
    plausible = person_name.is_plausible(values)
    if plausible.all() and _all_have(texts, values):
        return Judged(values)
    wrong = texts.is_not_null() & ~plausible.fill_null(False)
    return Judged(_without(values, wrong), {"invalid_name": wrong})


def _taxpayer_no(texts: pl.Series, column: Column) -> Judged:
    credit = credit_code.normalise(texts)
    is_credit = credit_code.is_valid(credit).fill_null(False)
    legacy = legacy_tax.normalise(texts)
    values = credit.zip_with(is_credit, legacy)
    wrong = texts.is_not_null() & ~is_credit & legacy_tax.kind(legacy).is_null()
    return Judged(_without(values, wrong), {"invalid_taxpayer_no": wrong})


def _decoded(decode: Callable[[pl.Series], pl.Series]) -> Callable[[pl.Series, Column], Judged]:
    """A national code list: any spelling of it to one, null for what is not in it."""

    def rule(texts: pl.Series, column: Column) -> Judged:
        values = decode(texts)
        return Judged(values, _wrong("unknown_code", texts, values))

    return rule


def _amount(texts: pl.Series, column: Column) -> Judged:
    values = amount.yuan(texts, column.unit or "yuan")  # type: ignore[arg-type]
    return Judged(values, _wrong("not_an_amount", texts, values))


def _month(texts: pl.Series, column: Column) -> Judged:
    values = text.month(texts)
    return Judged(values, _wrong("impossible_date", texts, values))


def _text_kept(texts: pl.Series, column: Column) -> Judged:
    return Judged(text.half_width(texts))


def _polygon(texts: pl.Series, column: Column) -> Judged:
    """GeoJSON polygons are few (grids, communities): judged one by one."""
    import shapely

    def sound(value: str | None) -> bool:
        if value is None or not _NAMES_POLYGON.search(value):
            return value is None  # the gate looks for the word in the text; escaped letter by letter nobody writes it
        try:
            shape = shapely.from_geojson(value)
        except (shapely.errors.GEOSException, ValueError):
            return False
        return bool(shape.geom_type in ("Polygon", "MultiPolygon") and shape.is_valid and not shape.is_empty)

    good = pl.Series([sound(value) for value in texts.to_list()], dtype=pl.Boolean)
    return Judged(_without(texts, ~good), {"invalid_polygon": ~good})


def _integer(texts: pl.Series) -> Judged:
    values = texts.cast(pl.Int64, strict=False)
    if not _all_have(texts, values):
        # A spreadsheet writes 3 as 3.0; anything with a real fraction stays wrong.
        values = values.fill_null(texts.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False))
    return Judged(values, _wrong("not_a_number", texts, values))


def _number(texts: pl.Series) -> Judged:
    values = texts.cast(pl.Float64, strict=False)
    finite = values.is_finite()
    if not finite.all():
        values = _without(values, ~finite.fill_null(True))
    return Judged(values, _wrong("not_a_number", texts, values))


def _boolean(texts: pl.Series) -> Judged:
    spellings = {
        "1": True,
        "0": False,
        "true": True,
        "false": False,
        "是": True,
        "否": False,
        "y": True,
        "n": False,
        # What COPY writes for PostgreSQL's own booleans.
        "t": True,
        "f": False,
    }
    values = texts.str.to_lowercase().replace_strict(spellings, default=None, return_dtype=pl.Boolean)
    return Judged(values, _wrong("not_a_boolean", texts, values))


def _date(texts: pl.Series) -> Judged:
    values = _with_century(texts.str.to_date("%Y-%m-%d", strict=False))
    if not _all_have(texts, values):
        rest = _failed(texts, values)
        odd = texts.filter(rest)
        parsed = text.date(odd).fill_null(_excel_serial(odd).dt.date())
        values = values.scatter(rest.arg_true(), parsed)
    return Judged(values, _bad_dates(texts, values))


def _timestamp(texts: pl.Series, timezone: ZoneInfo, *, epoch: bool) -> Judged:
    if epoch:
        values = _epoch(texts)
        return Judged(values, _bad_dates(texts, values))
    values = plain_times.read(texts, timezone)
    if not _all_have(texts, values):
        rest = _failed(texts, values)
        values = values.scatter(rest.arg_true(), _odd_timestamps(texts.filter(rest), timezone))
    return Judged(values, _bad_dates(texts, values))


def _odd_timestamps(texts: pl.Series, timezone: ZoneInfo) -> pl.Series:
    """The rarer spellings, one after the other, each on what is left."""
    texts = text.half_width(texts)
    aware = texts.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%#z", time_unit="us", time_zone="UTC", strict=False)
    unified = texts.str.replace_all(r"[/.年月]", "-").str.replace_all(r"[日T]\s*", " ").str.strip_chars()
    fractions = _with_century(texts.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False))
    values = aware.cast(TIMESTAMP).fill_null(plain_times.to_utc(fractions, timezone))
    for pattern in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y%m%d%H%M%S", "%Y%m%d %H:%M:%S"):
        naive = _with_century(unified.str.to_datetime(pattern, time_unit="us", strict=False))
        values = values.fill_null(plain_times.to_utc(naive, timezone))
    # What has a time of day that no pattern could read is impossible, and not midnight.
    days = _without(text.date(texts), texts.str.contains(r"\d\s*[:时]|^\d{14}").fill_null(False))
    days = days.cast(pl.Datetime("us"))
    return values.fill_null(plain_times.to_utc(days, timezone)).fill_null(
        plain_times.to_utc(_excel_serial(texts), timezone)
    )


def _with_century(values: pl.Series) -> pl.Series:
    """`%Y` reads the year 26 as 26: which century was meant would be a guess."""
    early = values.dt.year() < 1000
    return _without(values, early.fill_null(False)) if early.any() else values


def _epoch(texts: pl.Series) -> pl.Series:
    """Seconds or milliseconds since 1970, told apart by size: 10^11 s is the year 5138."""
    number = texts.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
    micros = (number * 1000).zip_with((number.abs() >= 100_000_000_000).fill_null(True), number * 1_000_000)
    return micros.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _excel_serial(texts: pl.Series) -> pl.Series:
    """Days since 1899-12-30 as a spreadsheet stores them, between 1954 and 2119."""
    days = texts.str.extract(r"^([2-7]\d{4}(?:\.\d+)?)$").cast(pl.Float64, strict=False)
    micros = (days - 25569.0) * 86_400_000_000
    return micros.round().cast(pl.Int64).cast(pl.Datetime("us"))


def _bad_dates(texts: pl.Series, values: pl.Series) -> dict[str, pl.Series]:
    """What looks like a date and is none is impossible; the rest is no date at all."""
    if _all_have(texts, values):
        return {}
    wrong = _failed(texts, values)
    looks = wrong & texts.str.contains(r"^\d{4}\D?\d{1,2}\D?\d{1,2}|^-?\d{9,}$").fill_null(False)
    return {"impossible_date": looks, "not_a_date": wrong & ~looks}


_SEMANTIC_RULES: dict[str, Callable[[pl.Series, Column], Judged]] = {
    "cn.resident_id": _checked(resident_id.normalise, resident_id.is_valid, "invalid_resident_id"),
    "cn.credit_code": _checked(credit_code.normalise, credit_code.is_valid, "invalid_credit_code"),
    "cn.taxpayer_no": _taxpayer_no,
    "cn.phone": _phone,
    "cn.person_name": _person_name,
    "cn.sex": _decoded(codes.sex),
    "cn.ethnic_group": _decoded(codes.ethnic_code),
    "cn.family_relation": _decoded(codes.relation_code),
    "cn.disability_certificate": _checked(disability.normalise, disability.is_valid, "invalid_certificate_no"),
    "cn.disability_class": _decoded(disability.class_code),
    "cn.disability_level": _decoded(disability.level_code),
    "cn.bank_account": _checked(bank_account.normalise, bank_account.is_valid, "invalid_account_no"),
    "cn.property_unit": _checked(property_unit.normalise, property_unit.is_valid, "invalid_property_unit"),
    "cn.gb28181_device_id": _checked(device_id.normalise, device_id.is_valid, "invalid_device_id"),
    "cn.warning_id": _checked(weather_warning.normalise, weather_warning.is_valid, "invalid_warning_id"),
    "cn.address": _text_kept,
    "cn.amount": _amount,
    "cn.month": _month,
    "geo.polygon": _polygon,
}
