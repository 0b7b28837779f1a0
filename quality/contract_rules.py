"""From a contract to checks: what must hold of the landed rows of a stream, whatever code landed them.

Conform refused what is wrong row by row. These checks look at the result from outside, in SQL and with patterns of
their own, so that a slip in conform, landing or a replay does not pass unseen.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from connectors.contract import Column, Stream
from connectors.region import region
from quality.checks import CURRENT, ROWS, Check, Version, in_set, no_rows, not_null
from quality.results import Severity

EARLIEST_DAY = date(1880, 1, 1)
MOST_YUAN = 1_000_000_000
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
    "cn.gb28181_device_id": ("^[0-9]{20}$", "20 digits of GB/T 28181"),
    "cn.warning_id": ("^[0-9]{14}_[0-9]{14}_[0-9]$", "31 characters with the time of issue"),
    "cn.month": ("^[0-9]{4}-(0[1-9]|1[0-2])$", "YYYY-MM"),
    "geo.polygon": ('"type"[[:space:]]*:[[:space:]]*"(Multi)?Polygon"', "a GeoJSON polygon, RFC 7946"),
}
SETS: dict[str, tuple[str, ...]] = {"cn.sex": ("male", "female", "unknown", "unstated")}


def checks_of(stream: Stream, today: date, version: Version = CURRENT) -> list[Check]:
    """Every check of a version of a stream. `today`: later timestamps are from a clock that is wrong."""
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
    key = ", ".join(f'"{column.name}"' for column in stream.primary_key)
    return no_rows(
        "key.once",
        f"SELECT count(*) AS times FROM {ROWS} AS landed WHERE {version.condition} GROUP BY {key} HAVING count(*) > 1",
        "A record has one current version.",
    )


def _of_column(column: Column, today: date) -> Iterator[Check]:
    name = column.name
    if column.required:
        yield not_null(f"{name}.given", name)
    if column.codes:
        yield in_set(f"{name}.code", name, sorted(set(column.codes.values())))
        return
    semantic = column.semantic_type or ""
    if semantic in SETS:
        yield in_set(f"{name}.code", name, SETS[semantic])
    if semantic in PATTERNS:
        pattern, says = PATTERNS[semantic]
        arguments = {"column": name, "regex": pattern}
        yield Check(f"{name}.format", "ExpectColumnValuesToMatchRegex", arguments, f"{name}: {says}.")
    if semantic.startswith("geo.") and semantic.endswith(("longitude", "latitude")):
        yield _inside_region(column)
    if semantic == "cn.amount":
        yield _between(f"{name}.sane", name, -MOST_YUAN, MOST_YUAN, f"{name} is an amount that a town can pay.")
    if column.minimum is not None or column.maximum is not None:
        yield _between(f"{name}.range", name, column.minimum, column.maximum, f"{name} lies in the contract's range.")
    if column.logical_type == "timestamp":
        # A wrong clock upstream is to be told, not a reason to publish nothing.
        latest = (today + CLOCK_SKEW).isoformat() + "T23:59:59+08:00"
        yield _between(f"{name}.not_in_future", name, None, latest, f"{name} is not in the future.", "warn")
    if column.logical_type == "date":
        yield _between(f"{name}.plausible", name, EARLIEST_DAY.isoformat(), None, f"{name} is not before 1880.", "warn")


def _inside_region(column: Column) -> Check:
    west, south, east, north = region()
    low, high = (west, east) if (column.semantic_type or "").endswith("longitude") else (south, north)
    return _between(f"{column.name}.in_region", column.name, low, high, f"{column.name} lies in the region, WGS-84.")


def _between(name: str, column: str, low: object, high: object, says: str, severity: Severity = "error") -> Check:
    arguments = {"column": column, "min_value": low, "max_value": high}
    given = {key: value for key, value in arguments.items() if value is not None}
    return Check(name, "ExpectColumnValuesToBeBetween", given, says, severity)
