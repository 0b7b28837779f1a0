"""JSON records are read exactly as sent, whichever way they are read."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import ContractViolation
from connectors.formats.json_pages import cut_array, loads_exact, quick, read_records, records_page
from connectors.limits import LONGEST_FIELD


def frame(text: str) -> pl.DataFrame:
    return read_records(text.encode(), "test").frame


def test_numbers_keep_their_digits() -> None:
    read = frame('[{"a":1234.50,"b":330199199001011234,"c": 12345678901234567890123, "d":1e3,"e":-0.10,"f":12}]')
    assert read.row(0) == ("1234.50", "330199199001011234", "12345678901234567890123", "1e3", "-0.10", "12")


def test_numbers_inside_text_are_left_alone() -> None:
    text = '{"a":5, \\"b\\": 1.50, :7.5,"'
    read = frame(json.dumps([{"k": "x,", "t": text.replace("\\", ""), "n": 1.5}, {"k": ":1.5,", "t": ",", "n": 2}]))
    assert read["t"].to_list() == [text.replace("\\", ""), ","]
    assert read["k"].to_list() == ["x,", ":1.5,"]
    assert read["n"].to_list() == ["1.5", "2"]


def test_extra_and_missing_keys() -> None:
    read = frame('[{"a":"1","b":"2"},{"a":"3"},{"b":"4","c":"5"}]')
    assert read.rows() == [("1", "2", None), ("3", None, None), (None, "4", "5")]


def test_renamed_key_in_the_middle_of_a_page_is_not_lost() -> None:
    assert frame('[{"a":"1"},{"b":"2"}]').columns == ["a", "b"]


def test_nested_values_nul_and_booleans() -> None:
    read = frame('[{"a":{"x":[1.50]},"b":"n\\u0000l","c":true,"d":null}]')
    assert read.row(0) == ('{"x":["1.50"]}', "n\x00l", "true", None)


def test_rare_characters_written_as_escapes() -> None:
    read = frame(json.dumps([{"xm": "𠮷䶮"}]))
    assert read.item() == "𠮷䶮"


def test_undecodable_bytes_cost_one_record() -> None:
    page = read_records('[{"a":"一"},{"a":"'.encode() + "丁".encode("gb18030") + b'"},{"a":"3"}]', "test", first_row=10)
    assert page.frame["a"].to_list() == ["一", "3"]
    (bad,) = page.bad
    assert (bad.row_no, bad.reason) == (11, "undecodable_text")
    assert "\\xb6\\xa1" in bad.raw
    bad.raw.encode()


def test_half_a_surrogate_pair_costs_one_record() -> None:
    page = read_records(b'[{"a":"x"},{"a":"\\ud842"}]', "test")
    assert page.frame["a"].to_list() == ["x"]
    assert [b.reason for b in page.bad] == ["undecodable_text"]


def test_oversized_field_costs_one_record() -> None:
    for ragged in (False, True):
        records = [{"a": "1"}, {"a": "x" * (LONGEST_FIELD + 1)}, {"a": "3"}] + ([{"b": "4"}] if ragged else [])
        page = read_records(json.dumps(records).encode(), "test")
        assert [b.reason for b in page.bad] == ["oversized_field"]
        assert page.bad[0].row_no == 1
        assert len(page.bad[0].raw) <= 2000
        assert page.frame.height == len(records) - 1


def test_records_that_are_no_objects() -> None:
    page = read_records(b'[{"a":"1"},7,null]', "test")
    assert page.frame.height == 1
    assert [b.reason for b in page.bad] == ["malformed_json"] * 2


@pytest.mark.parametrize("payload", [b'{"a":1}', b'[{"a":1}', b"<html>", b"[NaN]", b'[{"a":1.}]', b'"text"'])
def test_what_is_no_array_is_refused(payload: bytes) -> None:
    with pytest.raises(ContractViolation):
        read_records(payload, "test")


@pytest.mark.parametrize("payload", [b"", b"[]", b" [] ", b"null"])
def test_no_records(payload: bytes) -> None:
    assert read_records(payload, "test").frame.height == 0


values = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.text(alphabet='":,{}[] \\05.-e', max_size=12),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False, places=2).map(float),
    st.booleans(),
)
keys = st.sampled_from(["sfzh", "xm", "je", "jd", "名称", "a b"])


@given(
    st.lists(st.fixed_dictionaries({"id": values, "je": values, "名称": values}), min_size=1, max_size=5)
    | st.lists(st.dictionaries(keys, values, min_size=1, max_size=4), min_size=1, max_size=5),
    st.sampled_from([(",", ":"), (", ", ": ")]),
    st.booleans(),
)
def test_both_ways_agree(records: list[dict[str, object]], separators: tuple[str, str], ascii_only: bool) -> None:
    payload = json.dumps(records, ensure_ascii=ascii_only, separators=separators).encode("utf-8", "surrogatepass")
    careful = records_page(loads_exact(payload), len(payload))
    read = quick(payload)
    if read is not None:
        assert read.frame.rows(named=True) == careful.frame.rows(named=True)
    page = read_records(payload, "test")
    assert page.frame.rows(named=True) == careful.frame.rows(named=True)
    assert len(page.bad) == len(careful.bad)


def test_an_array_is_cut_out_of_its_document() -> None:
    assert cut_array(b'{"code":"0","rows":[{"a":[1]},{"b":"]"}],"n":2}', "rows") == (
        {"code": "0", "rows": None, "n": 2},
        b'[{"a":[1]},{"b":"]"}]',
    )
    assert cut_array(b'{"rows":"[]","n":1}', "rows") == ({"rows": "[]", "n": 1}, None)
    with pytest.raises(ValueError):
        cut_array(b'{"rows":[1', "rows")


def test_a_null_under_a_key_of_its_own_does_not_hide_an_absent_one() -> None:
    page = read_records(b'[{"sfzh":null},{"xm":null}]', "test")
    assert page.frame.rows(named=True) == [{"sfzh": None, "xm": None}] * 2
