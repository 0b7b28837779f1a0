"""From a contract to checks: what must hold of the landed rows of a stream, whatever code landed them.

Conform refused what is wrong row by row. These checks look at the result from outside, in SQL and with patterns of
their own, so that a slip in conform, landing or a replay does not pass unseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from psycopg import sql

from connectors.contract import Column, Stream
from connectors.region import region
from quality.checks import CURRENT, ROWS, Check, Version, holds, no_rows
from quality.results import Severity

EARLIEST_DAY = date(1880, 1, 1)
CLOCK_SKEW = timedelta(days=1)

PATTERNS: dict[str, tuple[str, str]] = {
    "cn.resident_id": ("^[1-9][0-9]{5}(18|19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9X]$", "18 characters of GB 11643"),
    "cn.credit_code": ("^[0-9A-HJ-NPQRTUWXY]{18}$", "18 characters of GB 32100"),
    "cn.taxpayer_no": ("^[0-9A-Z]{15,20}$", "15 to 20 characters"),
    "cn.phone": ("^(1[3-9][0-9]{9}|0[0-9]{9,11})$", "a mobile, or a landline with its area code"),
    "cn.person_name": ("^[^0-9<>]+$", "no digits or markup"),
    "cn.ethnic_group": ("^[0-9]{2}$", "two digits of GB/T 3304"),
    "cn.family_relation": ("^[0-9]{2}$", "two digits of GB/T 4761"),
    "cn.disability_certificate": ("^[1-9][0-9]{16}[0-9X][1-7][1-4](B[1-9])?$", "identity number, class, level"),
    "cn.disability_class": ("^[1-7]$", "1 to 7"),
    "cn.disability_level": ("^[1-4]$", "1 to 4"),
    "cn.bank_account": ("^[0-9]{8,32}$", "8 to 32 digits"),
    "cn.property_unit": ("^[1-8][0-9]{11}[GJZ][A-Z][0-9]{5}([FLQ][0-9]{8}|W0{8})$", "28 characters of GB/T 37346"),
    "cn.gb28181_device_id": ("^([0-9]{20}|[0-9]{16})$", "20 or 16 digits of GB/T 28181"),
    "cn.warning_id": ("^[0-9]{14}_[0-9]{14}_[0-9]$", "31 characters with the time of issue"),
    "cn.month": ("^[0-9]{4}-(0[1-9]|1[0-2])$", "YYYY-MM"),
    "geo.polygon": ('"type"[[:space:]]*:[[:space:]]*"(Multi)?Polygon"', "a GeoJSON polygon, RFC 7946"),
}
SETS: dict[str, tuple[str, ...]] = {"cn.sex": ("male", "female", "unknown", "unstated")}


def checks_of(stream: Stream, today: date, version: Version = CURRENT) -> list[Check]:
    """Every check of a version of a stream. `today`: later timestamps are from a clock that is wrong.

    What a column must be is said as a condition on its row, for the price of it: see `quality.custom_expectations`.
    """
    found = [_key_once(stream, version)] if stream.primary_key else []
    for column in stream.columns:
        found += _of_column(column, today)
    return found


def rows_check(stream: Stream) -> Check:
    """A committed load left rows. A register without any row is wrong; a quiet event stream may be right."""
    severity: Severity = "error" if stream.load == "snapshot" else "warn"
    return Check(
        "rows.present",
        "ExpectTableRowCountToBeBetween",
        {"min_value": 1},
        "A committed load left rows.",
        severity,
    )


def _key_once(stream: Stream, version: Version) -> Check:
    """Over the whole version. Rows whose keys were found to differ differ still: where some were judged, a key that
    stands twice is that of a row which landed since. A contract makes every part of a key required.
    """
    key = ", ".join(f'"{column.name}"' for column in stream.primary_key)
    concerned = version.condition
    if version.judged is not None:
        concerned += f" AND ({key}) IN (SELECT {key} FROM {ROWS} AS news WHERE {version.news})"
    return no_rows(
        "key.once",
        f"SELECT count(*) AS times FROM {ROWS} AS landed WHERE {concerned} GROUP BY {key} HAVING count(*) > 1",
        "A record has one current version.",
    )


def _of_column(column: Column, today: date) -> Iterator[Check]:
    name, quoted = column.name, f'"{column.name}"'
    if column.required:
        yield holds(f"{name}.given", f"{quoted} IS NOT NULL", f"{name} is always given.", by_row=True)
    if column.codes:
        yield _one_of(column, sorted(set(column.codes.values())))
        return
    semantic = column.semantic_type or ""
    if semantic in SETS:
        yield _one_of(column, SETS[semantic])
    if semantic in PATTERNS:
        pattern, says = PATTERNS[semantic]
        yield _if_given(column, "format", f"{quoted} ~ {_literal(pattern)}", f"{name}: {says}.")
    if semantic.startswith("geo.") and semantic.endswith(("longitude", "latitude")):
        yield _inside_region(column)
    low, high = column.bounds
    if (low, high) != (column.minimum, column.maximum):
        yield _between(column, "sane", low, high, f"{name} is an amount that a town can pay.")
    elif low is not None or high is not None:
        yield _between(column, "range", low, high, f"{name} lies in the contract's range.")
    if column.logical_type == "timestamp":
        # A wrong clock upstream is to be told, not a reason to publish nothing. The limit moves with the day, onwards:
        # what was not in the future of an earlier day is not in that of this one.
        latest = (today + CLOCK_SKEW).isoformat() + "T23:59:59+08:00"
        yield _between(column, "not_in_future", None, latest, f"{name} is not in the future.", "warn")
    if column.logical_type == "date":
        yield _between(column, "plausible", EARLIEST_DAY.isoformat(), None, f"{name} is not before 1880.", "warn")


def _one_of(column: Column, values: Sequence[str]) -> Check:
    listed = ", ".join(map(_literal, values))
    return _if_given(column, "code", f'"{column.name}" IN ({listed})', f"{column.name} is one of {', '.join(values)}.")


def _inside_region(column: Column) -> Check:
    west, south, east, north = region()
    low, high = (west, east) if (column.semantic_type or "").endswith("longitude") else (south, north)
    return _between(column, "in_region", low, high, f"{column.name} lies in the region, WGS-84.")


def _between(column: Column, rule: str, low: object, high: object, says: str, severity: Severity = "error") -> Check:
    limits = [
        f'"{column.name}" {sign} {_literal(limit)}' for sign, limit in ((">=", low), ("<=", high)) if limit is not None
    ]
    return _if_given(column, rule, " AND ".join(limits), says, severity)


def _if_given(column: Column, rule: str, condition: str, says: str, severity: Severity = "error") -> Check:
    """What is not given breaks no rule about its value."""
    return holds(f"{column.name}.{rule}", f"coalesce({condition}, true)", says, severity, by_row=True)


def _literal(value: object) -> str:
    return sql.Literal(value).as_string()
