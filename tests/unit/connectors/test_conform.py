"""A page held against its contract: what is taken, what is refused and why, and that nothing is lost."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest

from connectors.conform import Conformed, Conformer, record_keys
from connectors.contract import Column, Server, Stream
from connectors.errors import ContractViolation
from connectors.limits import LONGEST_FIELD
from connectors.reasons import REASONS, explain

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
SERVER = Server("any", {"protocol": "gateway", "timezone": "Asia/Shanghai", "crs": "wgs84"})
CHANGED = Column("changed_at", "gxsj", "timestamp", "L1", required=True)
COLUMNS = (
    Column("id", "bh", "string", "L1", primary_key=True, required=True),
    Column("unit", "dw", "integer", "L1", primary_key=True, required=True),
    Column("name", "xm", "string", "L4", semantic_type="cn.person_name"),
    Column("phone", "dh", "string", "L4", semantic_type="cn.phone", on_invalid="withhold"),
    Column("amount", "je", "number", "L2", semantic_type="cn.amount", unit="yuan"),
    Column("score", "pf", "integer", "L1", minimum=0, maximum=100),
    Column("state", "zt", "string", "L1", codes={"01": "open", "02": "shut"}),
    Column("note", "bz", "string", "L1", on_invalid="withhold"),
    CHANGED,
)
STREAM = Stream("demo", "things", "things", "changes", COLUMNS, cursor=CHANGED, server_name="any")
GOOD: dict[str, str | None] = {
    "bh": "A1",
    "dw": "7",
    "xm": "王伟",
    "dh": "13912345670",
    "je": "12.50",
    "pf": "99",
    "zt": "01",
    "bz": "seen",
    "gxsj": "2026-05-31 08:00:00",
}


def conformed(*changes: dict[str, str | None]) -> Conformed:
    rows = [GOOD | change for change in changes]
    return Conformer(STREAM, SERVER, now=NOW)(pl.DataFrame(rows, schema=dict.fromkeys(GOOD, pl.String)))


def test_a_good_row_is_typed_and_keeps_what_was_received() -> None:
    done = conformed({})
    assert done.rejected.is_empty() and not done.outcomes
    assert done.accepted.to_dicts() == [
        {
            "id": "A1",
            "unit": 7,
            "name": "王伟",
            "phone": "13912345670",
            "amount": Decimal("12.50"),
            "score": 99,
            "state": "open",
            "note": "seen",
            "changed_at": dt.datetime(2026, 5, 31, tzinfo=dt.UTC),
            "name_raw": "王伟",
            "phone_raw": "13912345670",
            "amount_raw": "12.50",
            "state_raw": "01",
            "note_raw": "seen",
        }
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bh": None}, "id:missing_required"),
        ({"bh": "  "}, "id:missing_required"),
        ({"gxsj": ""}, "changed_at:missing_required"),
        ({"dw": "x"}, "unit:not_a_number"),
        ({"je": "1.234"}, "amount:not_an_amount"),
        ({"pf": "101"}, "score:out_of_range"),
        ({"pf": "-1"}, "score:out_of_range"),
        ({"zt": "03"}, "state:unknown_code"),
        ({"xm": "12345"}, "name:invalid_name"),
        ({"gxsj": "2026-02-30 08:00:00"}, "changed_at:impossible_date"),
        ({"gxsj": "2026-06-02 08:00:01"}, "changed_at:future_cursor"),
        ({"gxsj": "2999-01-01 00:00:00"}, "changed_at:future_cursor"),
        ({"bz": "x" * (LONGEST_FIELD + 1)}, "note:oversized_field"),
        ({"bz": "a\x00b"}, "note:nul_character"),
        ({"xm": "王\ufffd"}, "name:undecodable_text"),
        ({"dh": "139\ufffd"}, "phone:undecodable_text"),
    ],
)
def test_a_wrong_row_is_refused_with_its_reason_and_its_neighbours_are_not(
    change: dict[str, str | None], reason: str
) -> None:
    done = conformed({"bh": "before"}, change, {"bh": "after"})
    assert done.accepted["id"].to_list() == ["before", "after"]
    assert done.rejected["row_no"].to_list() == [1]
    assert done.rejected["reasons"].to_list() == [[reason]]
    column, _, code = reason.rpartition(":")
    assert done.outcomes == {(column, code, "quarantined"): 1}
    assert REASONS[code][0] in explain(reason)


def test_a_time_of_change_just_ahead_is_a_slow_clock_and_no_defect() -> None:
    assert len(conformed({"gxsj": "2026-06-02 07:59:59"}).accepted) == 1


def test_all_reasons_of_a_row_are_told() -> None:
    done = conformed({"pf": "101", "zt": "03", "je": "x"}, {"bh": "B"})
    assert done.rejected["reasons"].to_list() == [["amount:not_an_amount", "score:out_of_range", "state:unknown_code"]]
    assert done.rejected["record_key"].to_list() == ["A1|7"]


def test_a_required_value_out_of_range_is_wrong_and_not_missing() -> None:
    stream = replace(STREAM, columns=tuple(replace(c, required=c.required or c.name == "score") for c in COLUMNS))
    page = pl.DataFrame([GOOD | {"pf": "101"}, GOOD | {"pf": None}], schema=dict.fromkeys(GOOD, pl.String))
    done = Conformer(stream, SERVER, now=NOW)(page)
    assert done.rejected["reasons"].to_list() == [["score:out_of_range"], ["score:missing_required"]]


def test_withheld_values_are_counted_and_kept_as_received() -> None:
    done = conformed({"dh": "12"}, {"bh": "B"})
    assert done.rejected.is_empty()
    assert done.accepted["phone"].to_list() == [None, "13912345670"]
    assert done.accepted["phone_raw"].to_list() == ["12", "13912345670"]
    assert done.outcomes == {("phone", "invalid_phone", "withheld"): 1}


def test_the_payload_is_the_row_as_received_with_everything_in_it() -> None:
    row = GOOD | {"zt": "03", "bz": ' "quotes" \n\\ 𠮷 ', "dh": None, "brand_new": "kept too"}
    page = pl.DataFrame([row], schema=dict.fromkeys(row, pl.String))
    done = Conformer(STREAM, SERVER, now=NOW)(page)
    assert json.loads(done.rejected["payload"][0]) == row


def test_the_payload_writes_nul_as_its_escape() -> None:
    payload = conformed({"xm": "王\x00伟"}).rejected["payload"][0]
    assert "\x00" not in payload
    assert json.loads(payload)["xm"] == "王\x00伟"


def test_refused_rows_taken_again_as_received_are_judged_the_same() -> None:
    first = conformed({"zt": "03"}, {"bz": "a\x00b"}, {"bh": None})
    rows = [json.loads(payload) for payload in first.rejected["payload"]]
    again = Conformer(STREAM, SERVER, now=NOW)(pl.DataFrame(rows, schema=dict.fromkeys(GOOD, pl.String)))
    assert again.rejected["reasons"].to_list() == first.rejected["reasons"].to_list()
    assert again.rejected["payload"].to_list() == first.rejected["payload"].to_list()


def test_a_key_that_cannot_be_read_is_null() -> None:
    assert conformed({"dw": None}, {"bh": None}).rejected["record_key"].to_list() == [None, None]


def test_a_page_without_a_column_of_the_contract_stops_the_stream() -> None:
    page = pl.DataFrame([GOOD]).drop("zt").rename({"xm": "xingming"})
    with pytest.raises(ContractViolation, match=r"demo\.things: the upstream no longer sends xm, zt\. Ask the owner"):
        Conformer(STREAM, SERVER)(page)


def test_an_empty_page_is_no_error() -> None:
    done = conformed()
    assert done.accepted.is_empty() and done.rejected.is_empty()
    assert done.accepted.schema["amount"] == pl.Decimal(18, 2)


def test_keys_do_not_hang_on_how_a_time_was_written() -> None:
    key = (
        Column("who", "who", "string", "L1", primary_key=True),
        Column("at", "at", "timestamp", "L1", primary_key=True),
    )
    stream = Stream("demo", "readings", "readings", "messages", key, server_name="any")
    page = pl.DataFrame({"who": ["a", "a"], "at": ["2026-05-31 08:00:00", "2026-05-31T00:00:00Z"]})
    accepted = Conformer(stream, SERVER)(page).accepted
    assert record_keys(accepted, stream).to_list() == ["a|2026-05-31T00:00:00.000000Z"] * 2


def test_readings_of_one_second_are_not_one_record() -> None:
    key = (Column("at", "at", "timestamp", "L1", primary_key=True),)
    stream = Stream("demo", "readings", "readings", "messages", key, server_name="any")
    page = pl.DataFrame({"at": ["2026-05-31 08:00:00.250", "2026-05-31 08:00:00.750"]})
    assert record_keys(Conformer(stream, SERVER)(page).accepted, stream).n_unique() == 2


@pytest.mark.parametrize("withheld", [False, True])
def test_two_records_never_have_one_key(withheld: bool) -> None:
    """Joined, the first two would be one record, and each would replace the other for ever."""
    invalid = "withhold" if withheld else "quarantine"
    key = tuple(Column(name, name, "string", "L1", primary_key=True, on_invalid=invalid) for name in ("area", "number"))
    stream = Stream("demo", "cases", "cases", "changes", key, server_name="any")
    page = pl.DataFrame({"area": ["A|1", "A", "A", None], "number": ["2", "1|2", "1", "3"]})
    done = Conformer(stream, SERVER)(page)
    assert done.accepted.select("area", "number").rows() == [("A", "1"), (None, "3")]
    assert done.rejected["reasons"].to_list() == [["area:separator_in_key"], ["number:separator_in_key"]]
    assert "without |" in explain("area:separator_in_key")
    # A record that was landed under it before is still seen in a snapshot, and not taken for deleted.
    assert done.rejected["record_key"].to_list() == ["A|1|2"] * 2


def test_a_key_of_one_column_may_hold_the_separator() -> None:
    key = Column("number", "number", "string", "L1", primary_key=True)
    note = Column("note", "note", "string", "L1")
    stream = Stream("demo", "cases", "cases", "changes", (key, note), server_name="any")
    page = pl.DataFrame({"number": ["A|1"], "note": ["x|y"]})
    assert record_keys(Conformer(stream, SERVER)(page).accepted, stream).to_list() == ["A|1"]
