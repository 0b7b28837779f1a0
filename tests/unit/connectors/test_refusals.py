"""What may never be taken in: named in the contract, refused as a column of it, dropped before anything is written."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from connectors.conform import Conformer
from connectors.contract import Column, Refusal, Server, Stream
from connectors.protocols.base import BadRecord
from connectors.refusals import reduced_message, without_text

SERVER = Server("any", {"protocol": "gateway"})
STREAM = Stream(
    system="petition",
    name="letters",
    physical_name="xfj",
    load="changes",
    columns=(
        Column("letter_no", "信访件号", "string", "L2", primary_key=True, required=True),
        Column("score", "分", "integer", "L1", required=True),
    ),
    refusals=(Refusal("field", "信访人", "named petitioners"), Refusal("object", "信访人名册", "named petitioners")),
)
ROW = {"信访件号": "X1", "分": "3", "信访人": "甲某某", "来信人改名": "乙某某"}


def test_beyond_the_contract_nothing_is_kept_of_a_good_row_or_a_bad_one() -> None:
    page = pl.DataFrame([ROW, ROW | {"分": "many"}], schema=dict.fromkeys(ROW, pl.String))
    done = Conformer(STREAM, SERVER)(page)
    assert done.accepted.columns == ["letter_no", "score"]
    assert [json.loads(text) for text in done.rejected["payload"]] == [{"信访件号": "X1", "分": "many"}]
    assert done.added is None


def test_a_column_that_is_news_is_told_by_name_and_a_refused_one_is_no_news() -> None:
    page = pl.DataFrame([ROW], schema=dict.fromkeys(ROW, pl.String))
    assert Conformer(STREAM, SERVER)(page).added_columns == ("来信人改名",)


@pytest.mark.parametrize("name", ["信访人", " 信访人", "来信/信访人", "t.信访人"])
def test_a_refused_field_is_known_by_any_spelling(name: str) -> None:
    assert STREAM.refuses_field(name)


@pytest.mark.parametrize("name", ["信访人数", "人", "信访人名册"])
def test_other_fields_are_not_refused(name: str) -> None:
    assert not STREAM.refuses_field(name)


NESTED = [
    {"信访人": "甲某某"},
    [{"信访人": "甲某某"}],
    '{"信访人": "甲某某"}',
    ' [{"信访人": "甲某某"}] ',
    '{"信访人": "甲某某", "x": NaN}',
    '[NaN, {"信访人": "甲某某"}]',
    '{"信访人": "甲某某"};',
    "[" * 200_000 + '"甲某某"' + "]" * 200_000,
]


@pytest.mark.parametrize("value", NESTED, ids=range(len(NESTED)))
def test_what_is_nested_in_a_described_field_leaves_its_length(value: Any) -> None:
    sent = ROW | {"信访件号": value}
    assert "甲某某" not in reduced_message(json.dumps(sent, ensure_ascii=False).encode(), STREAM).decode()
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    done = Conformer(STREAM, SERVER)(pl.DataFrame([ROW | {"信访件号": text}], schema=dict.fromkeys(ROW, pl.String)))
    (kept,) = done.rejected["payload"]
    assert "甲某某" not in kept and "not kept" in kept
    assert done.rejected["reasons"].to_list() == [["letter_no:nested_value"]] and done.accepted.is_empty()


@pytest.mark.parametrize("value", [{"信访人": "甲某某"}, [{"信访人": "甲某某"}], [["甲某某"]]], ids=range(3))
def test_a_typed_source_may_nest_as_well(value: Any) -> None:
    done = Conformer(STREAM, SERVER)(pl.DataFrame([{"信访件号": value, "分": "3"}, {"信访件号": None, "分": "3"}]))
    assert done.rejected["reasons"].to_list() == [["letter_no:nested_value"], ["letter_no:missing_required"]]
    assert "甲某某" not in "".join(done.rejected["payload"])


def test_what_is_nested_is_quarantined_even_where_a_wrong_value_is_withheld() -> None:
    """A sentence about a length is nobody's value: neither a text to land nor a slip to pass over."""
    note, number = Column("note", "备注", "string", "L2"), Column("sum", "数", "integer", "L2", on_invalid="withhold")
    rows = [ROW | {"备注": "{}", "数": "1"}, ROW | {"备注": "好", "数": '[{"x": 1}]'}, ROW | {"备注": "好", "数": "x"}]
    page = pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.String))
    done = Conformer(replace(STREAM, columns=(*STREAM.columns, note, number)), SERVER)(page)
    assert done.rejected["reasons"].to_list() == [["note:nested_value"], ["sum:nested_value"]]
    assert done.accepted["note"].to_list() == ["好"]


@pytest.mark.parametrize("text", ["[转办] 请处理", "[2026] 3 号", "(甲)", "a{b}"])
def test_a_text_in_brackets_stays(text: str) -> None:
    sent = json.dumps(ROW | {"信访件号": text}, ensure_ascii=False).encode()
    assert json.loads(reduced_message(sent, STREAM))["信访件号"] == text


def test_case_and_width_hide_no_field() -> None:
    refusal = Refusal("field", "HPHM", "plates")
    assert refusal.matches("hphm") and refusal.matches("ＨＰＨＭ") and not refusal.matches("hphm2")


def test_records_that_never_became_rows_leave_their_length() -> None:
    (bad,) = without_text([BadRecord(4, "X1,甲某某,3,,", "ragged_line")])
    assert (bad.row_no, bad.reason) == (4, "ragged_line")
    assert "10 characters" in bad.raw and "甲" not in bad.raw


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"分": 3, "信访人": "甲某某"}, {"分": "3"}),
        ([{"分": 3, "信访人": "甲某某"}, {"信访件号": "X2"}], [{"分": "3"}, {"信访件号": "X2"}]),
        ([], []),
        ({"信访件号": None}, {"信访件号": None}),
    ],
)
def test_messages_keep_the_contracts_fields(sent: Any, kept: Any) -> None:
    assert json.loads(reduced_message(json.dumps(sent).encode(), STREAM)) == kept


def test_digits_of_numbers_stay_as_they_were_sent() -> None:
    assert json.loads(reduced_message('{"分": 123456789012345678901.50}'.encode(), STREAM)) == {
        "分": "123456789012345678901.50"
    }


@pytest.mark.parametrize(
    "sent", ['{"信访人": "甲某某"', '"甲某某"', '["甲某某"]', '{"信访人": "甲某某", "分": NaN}', "[" * 100_000]
)
def test_what_is_no_message_leaves_its_length_and_is_no_json(sent: str) -> None:
    kept = reduced_message(sent.encode(), STREAM)
    assert "甲".encode() not in kept and f"{len(sent.encode())} bytes".encode() in kept
    with pytest.raises(ValueError):
        json.loads(kept)


def test_bytes_of_no_encoding_stay_bytes_for_intake_to_judge() -> None:
    assert reduced_message('{"信访件号": "X'.encode() + b'\xff"}', STREAM) == '{"信访件号":"X'.encode() + b'\xff"}'
