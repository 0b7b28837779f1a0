"""Every logical type and every standard: what is good, what is wrong and why, and what is only spelled oddly."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Column
from connectors.rules import Judged, column_dtype, judge
from connectors.semantics import SEMANTICS

SHANGHAI = ZoneInfo("Asia/Shanghai")
UTC = dt.UTC


def column(logical_type: str = "string", semantic: str | None = None, **rest: Any) -> Column:
    return Column("c", "c", logical_type, "L1", semantic_type=semantic, **rest)


def judged(column: Column, *texts: str | None, zone: str = "Asia/Shanghai") -> Judged:
    return judge(pl.Series("c", list(texts), dtype=pl.String), column, ZoneInfo(zone))


def one(column: Column, text: str, zone: str = "Asia/Shanghai") -> tuple[Any, str | None]:
    """The value of one text and the reason against it (there must never be both, nor two reasons)."""
    done = judged(column, text, zone=zone)
    reasons = [reason for reason, rows in done.wrong.items() if rows[0]]
    assert len(reasons) <= 1 and not (reasons and done.values[0] is not None)
    assert done.values.dtype == column_dtype(column)
    return done.values[0], reasons[0] if reasons else None


def at(*parts: int) -> dt.datetime:
    """A local time of Shanghai."""
    return dt.datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[arg-type, misc]


INTEGER, NUMBER, DATE = column("integer"), column("number"), column("date")
TIMESTAMP, BOOLEAN, EPOCH = column("timestamp"), column("boolean"), column("timestamp", format="epoch")
YUAN, WAN = column("number", "cn.amount", unit="yuan"), column("number", "cn.amount", unit="wan_yuan")
FEN = column("number", "cn.amount", unit="fen")

GOOD = [
    (column(), " stays as it is ", " stays as it is "),
    (column(), "=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
    (INTEGER, "-42", -42),
    (INTEGER, "3.0", 3),
    (INTEGER, "9007199254740993", 9007199254740993),
    (NUMBER, "1.5e3", 1500.0),
    (NUMBER, "-0.25", -0.25),
    (BOOLEAN, "是", True),
    (BOOLEAN, "t", True),
    (BOOLEAN, "N", False),
    (BOOLEAN, "TRUE", True),
    (DATE, "2024-02-29", dt.date(2024, 2, 29)),
    (DATE, "2026/3/5", dt.date(2026, 3, 5)),
    (DATE, "2026年3月5日", dt.date(2026, 3, 5)),
    (DATE, "20260305", dt.date(2026, 3, 5)),
    (DATE, "二〇二六年三月五日", dt.date(2026, 3, 5)),
    (DATE, "46086", dt.date(2026, 3, 5)),
    (DATE, "2026-03-05 08:00:00", dt.date(2026, 3, 5)),
    (TIMESTAMP, "2026-03-05 08:09:10", at(2026, 3, 5, 8, 9, 10)),
    (TIMESTAMP, "2026-03-05 08:09:10.125", at(2026, 3, 5, 8, 9, 10, 125_000)),
    (TIMESTAMP, "2026-03-05 08:09", at(2026, 3, 5, 8, 9)),
    (TIMESTAMP, "2026/03/05 08:09:10", at(2026, 3, 5, 8, 9, 10)),
    (TIMESTAMP, "2026年03月05日 08:09:10", at(2026, 3, 5, 8, 9, 10)),
    (TIMESTAMP, "20260305080910", at(2026, 3, 5, 8, 9, 10)),
    (TIMESTAMP, "2026-03-05T00:09:10Z", at(2026, 3, 5, 8, 9, 10)),
    (TIMESTAMP, "2026-03-05T08:09:10+08:00", at(2026, 3, 5, 8, 9, 10)),
    (TIMESTAMP, "2026-03-05T01:09:10.5+01:00", at(2026, 3, 5, 8, 9, 10, 500_000)),
    (TIMESTAMP, "2026-03-05", at(2026, 3, 5)),
    (TIMESTAMP, "46086.25", at(2026, 3, 5, 6)),
    (EPOCH, "1772669350", at(2026, 3, 5, 8, 9, 10)),
    (EPOCH, "1772669350125", at(2026, 3, 5, 8, 9, 10, 125_000)),
    (EPOCH, "1772669350.0", at(2026, 3, 5, 8, 9, 10)),
    (YUAN, "1,234.5", Decimal("1234.50")),
    (YUAN, "-0.01", Decimal("-0.01")),
    (YUAN, "(12.00)", Decimal("-12.00")),
    (WAN, "1.23456", Decimal("12345.60")),
    (FEN, "1050", Decimal("10.50")),
    (column(semantic="cn.resident_id"), "11010519491231002x", "11010519491231002X"),
    (column(semantic="cn.credit_code"), "91350100M000100Y43", "91350100M000100Y43"),
    (column(semantic="cn.taxpayer_no"), "91350100M000100Y43", "91350100M000100Y43"),
    (column(semantic="cn.phone"), "+86 139-1234-5670", "13912345670"),
    (column(semantic="cn.phone"), "13800138000", None),  # a placeholder is missing, not wrong
    (column(semantic="cn.person_name"), "欧阳 娜", "欧阳娜"),
    (column(semantic="cn.sex"), "男", "male"),
    (column(semantic="cn.sex"), "2", "female"),
    (column(semantic="cn.ethnic_group"), "汉族", "01"),
    (column(semantic="cn.family_relation"), "02", "02"),
    (column(semantic="cn.disability_certificate"), "11010519491231002X42", "11010519491231002X42"),
    (column(semantic="cn.disability_class"), "4", "4"),
    (column(semantic="cn.disability_level"), "2", "2"),
    (column(semantic="cn.bank_account"), "6299 0000 1234 5678 901", "6299000012345678901"),
    (column(semantic="cn.property_unit"), "330199001002gb00003f00010012", "330199001002GB00003F00010012"),
    (column(semantic="cn.month"), "202603", "2026-03"),
    (column(semantic="cn.warning_id"), "33019941600001_20260630080000_1 ", "33019941600001_20260630080000_1"),
    (column(semantic="cn.address"), "幸福路８号", "幸福路8号"),
    (column(codes={"01": "open", "02": "shut"}), "02", "shut"),
    (
        column(semantic="geo.polygon"),
        '{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}',
        '{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}',
    ),
]

WRONG = [
    (INTEGER, "3.5", "not_a_number"),
    (INTEGER, "three", "not_a_number"),
    (INTEGER, "9223372036854775808", "not_a_number"),
    (NUMBER, "NaN", "not_a_number"),
    (NUMBER, "inf", "not_a_number"),
    (NUMBER, "1e999", "not_a_number"),
    (BOOLEAN, "maybe", "not_a_boolean"),
    (DATE, "2026-02-30", "impossible_date"),
    (DATE, "2023-02-29", "impossible_date"),
    (DATE, "20261301", "impossible_date"),
    (DATE, "26-03-05", "not_a_date"),
    (DATE, "soon", "not_a_date"),
    (TIMESTAMP, "2026-02-30 10:00:00", "impossible_date"),
    (TIMESTAMP, "2026-03-05 25:61:00", "impossible_date"),
    (TIMESTAMP, "20260305256199", "impossible_date"),
    (TIMESTAMP, "yesterday", "not_a_date"),
    (EPOCH, "2026-03-05 08:00:00", "impossible_date"),
    (EPOCH, "now", "not_a_date"),
    (YUAN, "1.234", "not_an_amount"),
    (YUAN, "1.2E+3", "not_an_amount"),
    (YUAN, "12345678901234567", "not_an_amount"),
    (WAN, "1.0000001", "not_an_amount"),
    (FEN, "10.5", "not_an_amount"),
    (column(semantic="cn.resident_id"), "110105194912310021", "invalid_resident_id"),
    (column(semantic="cn.resident_id"), "1.10105E+17", "lost_precision"),
    (column(semantic="cn.credit_code"), "91350100M000100Y44", "invalid_credit_code"),
    (column(semantic="cn.credit_code"), "9.135E+17", "lost_precision"),
    (column(semantic="cn.taxpayer_no"), "12345", "invalid_taxpayer_no"),
    (column(semantic="cn.phone"), "12", "invalid_phone"),
    (column(semantic="cn.person_name"), "12345", "invalid_name"),
    (column(semantic="cn.sex"), "x", "unknown_code"),
    (column(semantic="cn.ethnic_group"), "99x", "unknown_code"),
    (column(semantic="cn.family_relation"), "??", "unknown_code"),
    (column(semantic="cn.disability_certificate"), "110105194912310021 42", "invalid_certificate_no"),
    (column(semantic="cn.disability_class"), "9", "unknown_code"),
    (column(semantic="cn.disability_level"), "5", "unknown_code"),
    (column(semantic="cn.gb28181_device_id"), "12345", "invalid_device_id"),
    (column(semantic="cn.bank_account"), "开户中", "invalid_account_no"),
    (column(semantic="cn.bank_account"), "6.29900001234568E+18", "lost_precision"),
    (column(semantic="cn.property_unit"), "330199001002GB00003", "invalid_property_unit"),
    (column(semantic="cn.warning_id"), "33019941600001_20260631080000_1", "invalid_warning_id"),
    (column(semantic="cn.month"), "2026-13", "impossible_date"),
    (column(codes={"01": "open"}), "1", "unknown_code"),
    (column(semantic="geo.polygon"), "{}", "invalid_polygon"),
    (column(semantic="geo.polygon"), '{"type":"Point","coordinates":[0,0]}', "invalid_polygon"),
    (
        column(semantic="geo.polygon"),
        '{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}',
        "invalid_polygon",
    ),
]


def name_of(case: Any) -> str | None:
    return (case.semantic_type or case.logical_type) if isinstance(case, Column) else None


@pytest.mark.parametrize(("column", "text", "value"), GOOD, ids=name_of)
def test_good(column: Column, text: str, value: Any) -> None:
    assert one(column, text) == (value, None)


@pytest.mark.parametrize(("column", "text", "reason"), WRONG, ids=name_of)
def test_wrong(column: Column, text: str, reason: str) -> None:
    assert one(column, text) == (None, reason)


def test_every_standard_with_a_rule_was_tried_both_ways() -> None:
    tried = [{case[0].semantic_type for case in cases} for cases in (GOOD, WRONG)]
    as_text = {name for name in SEMANTICS if name.endswith("incident_type")}
    points = {name for name in SEMANTICS if name.startswith("geo.") and name != "geo.polygon"}
    assert set(SEMANTICS) - as_text - points - tried[0] == {"cn.gb28181_device_id"}  # made in test_sample below
    assert set(SEMANTICS) - as_text - points - tried[1] == {"cn.address"}  # any text is an address


def test_device_numbers_of_the_standard_are_good() -> None:
    from connectors.standards import device_id

    made = device_id.make(pl.Series(["33019900"]), pl.Series([7]))[0]
    assert one(column(semantic="cn.gb28181_device_id"), made) == (made, None)


@pytest.mark.parametrize("case", [case[0] for case in GOOD], ids=name_of)
def test_nothing_is_neither_good_nor_wrong(case: Column) -> None:
    done = judged(case, None, None)
    assert done.values.null_count() == 2
    assert not any(rows.any() for rows in done.wrong.values())


@given(st.data())
def test_a_row_is_judged_as_if_it_stood_alone(data: st.DataObject) -> None:
    """Columns without fault are judged in fewer steps: that must not show in what becomes of a row."""
    case = data.draw(st.sampled_from([*GOOD, *WRONG]))[0]
    known = [text for other, text, _ in [*GOOD, *WRONG] if other == case]
    texts = data.draw(st.lists(st.sampled_from([None, *known]), min_size=1, max_size=8))
    done = judged(case, *texts)
    for row, text in enumerate(texts):
        alone = judged(case, text)
        assert done.values[row] == alone.values[0]
        assert {r for r, rows in done.wrong.items() if rows[row]} == {r for r, rows in alone.wrong.items() if rows[0]}


def test_reasons_stand_at_their_own_rows() -> None:
    done = judged(DATE, "2026-03-05", "2026-02-30", None, "soon", "2026/3/6")
    assert {reason: rows.to_list() for reason, rows in done.wrong.items()} == {
        "impossible_date": [False, True, False, False, False],
        "not_a_date": [False, False, False, True, False],
    }
    assert done.values.to_list() == [dt.date(2026, 3, 5), None, None, None, dt.date(2026, 3, 6)]


@pytest.mark.parametrize(
    ("zone", "text", "utc"),
    [
        ("Asia/Shanghai", "2026-07-01 08:00:00", dt.datetime(2026, 7, 1, 0, tzinfo=UTC)),
        ("Asia/Shanghai", "1988-07-01 08:00:00", dt.datetime(1988, 6, 30, 23, tzinfo=UTC)),  # summer time then
        ("Europe/Berlin", "2026-10-25 02:30:00", dt.datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # the earlier of two
        ("UTC", "2026-07-01 08:00:00", dt.datetime(2026, 7, 1, 8, tzinfo=UTC)),
    ],
)
def test_zones(zone: str, text: str, utc: dt.datetime) -> None:
    assert one(TIMESTAMP, text, zone) == (utc, None)


def test_an_hour_that_the_clock_leaps_over_is_impossible() -> None:
    assert one(TIMESTAMP, "2026-03-29 02:30:00", "Europe/Berlin") == (None, "impossible_date")


def test_a_spreadsheet_serial_is_read_as_that_day_and_a_small_number_is_not() -> None:
    assert one(DATE, "45292") == (dt.date(2024, 1, 1), None)
    assert one(DATE, "12345")[1] == "not_a_date"


@given(st.integers(-(10**15), 10**15))
def test_amounts_are_exact_to_the_fen(fen: int) -> None:
    value, reason = one(FEN, str(fen))
    assert (value, reason) == (Decimal(fen).scaleb(-2), None)


@given(st.datetimes(dt.datetime(1992, 1, 1), dt.datetime(2099, 12, 31)).map(lambda t: t.replace(microsecond=0)))
def test_every_spelling_of_a_time_is_the_same_time(local: dt.datetime) -> None:
    patterns = ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y%m%d%H%M%S", "%Y-%m-%dT%H:%M:%S+08:00")
    wanted = local.replace(tzinfo=SHANGHAI)
    texts = [local.strftime(pattern) for pattern in patterns]
    assert judged(TIMESTAMP, *texts).values.to_list() == [wanted] * len(texts)
    seconds = int(wanted.timestamp())
    assert judged(EPOCH, str(seconds), str(seconds * 1000)).values.to_list() == [wanted, wanted]


@given(st.text(max_size=30))
def test_no_text_breaks_a_rule(text: str) -> None:
    for case in (INTEGER, NUMBER, BOOLEAN, DATE, TIMESTAMP, EPOCH, YUAN, *(column(semantic=s) for s in CHECKED)):
        one(case, text or "x")


CHECKED = ["cn.resident_id", "cn.credit_code", "cn.taxpayer_no", "cn.phone", "cn.person_name", "cn.month", "cn.sex"]
