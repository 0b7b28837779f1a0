"""Pages read by the places of their quotes are read as a parser reads them, or not at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.formats.json_pages import loads_exact, records_page
from connectors.formats.json_plain import read_plain

KEYS = st.lists(
    st.sampled_from(["a", "身份证号", "certificateNumber", "x y", "n", ""]), min_size=1, max_size=4, unique=True
)
PLAIN = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"], exclude_characters='"\\'), max_size=20)
VALUES = (
    PLAIN
    | st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
)


@st.composite
def pages(draw: st.DrawFn) -> list[dict[str, object]]:
    keys = draw(KEYS)
    records = draw(st.lists(st.fixed_dictionaries(dict.fromkeys(keys, VALUES)), min_size=1, max_size=6))
    return [{key: record[key] for key in keys} for record in records]


def dumped(records: list[dict[str, object]]) -> bytes:
    return json.dumps(records, ensure_ascii=False, separators=(",", ":")).encode()


def slowly(payload: bytes) -> list[tuple[object, ...]] | None:
    """Record by record; None for what is no page of whole records with the same keys."""
    try:
        records = loads_exact(payload)
    except ValueError:
        return None
    page = records_page(records, len(payload))
    return None if page.bad or len({tuple(record) for record in records}) != 1 else page.frame.rows()


@given(pages())
def test_what_is_plain_is_read_as_a_parser_reads_it(records: list[dict[str, object]]) -> None:
    payload = dumped(records)
    read = read_plain(payload, list(records[0]))
    assert read is not None
    assert read.frame.rows() == slowly(payload)


@given(pages(), st.integers(0, 10_000), st.sampled_from([*b'"\\:,{}[] \x00\x1f\xff\xe4-0e.antfl1']), st.integers(0, 2))
@example([{"a": 1, "b": "x"}], 6, ord("}"), 1)
@example([{"a": "1", "b": "x"}, {"a": "1", "b": "x"}], 20, ord(","), 1)
def test_a_page_with_a_fault_is_never_read_otherwise(
    records: list[dict[str, object]], place: int, byte: int, cut: int
) -> None:
    payload = dumped(records)
    place %= len(payload)
    broken = payload[:place] + bytes([byte]) + payload[place + cut :]
    read = read_plain(broken, list(records[0]))
    if read is not None:
        assert read.frame.rows() == slowly(broken)


@pytest.mark.parametrize(
    "payload",
    [
        b'[{"a":"1","b":"2"},{"b":"1","a":"2"}]',  # other order
        b'[{"a":"1","b":"2"},{"a":"1"}]',
        b'[{"a":"1","b":"2"},{"a":"1","c":"2"}]',
        b'[{"a":"1","b":"2"};{"a":"1","b":"2"}]',
        b'[{"a":"1","b":[2]}]',
        b'[{"a":"1","b":{"c":"2"}}]',
        b'[{"a":"1", "b":"2"}]',
        b'[{"a":"1","b":"\\u0041"}]',
        b'[{"a":"1","b":"\xff"}]',
        b'[{"a":"1","b":"\t"}]',
        b'[{"a":"1","b":01}]',
        b'[{"a":"1","b":nul}]',
        b'[{"a":"1","b":}]',
        b'[{"a":"1","b":"2"}',
    ],
)
def test_what_is_not_plain_is_left_to_others(payload: bytes) -> None:
    assert read_plain(payload, ["a", "b"]) is None


def test_a_null_and_the_word_are_told_apart() -> None:
    read = read_plain(b'[{"a":"null","b":null},{"a":null,"b":"null"}]', ["a", "b"])
    assert read is not None
    assert read.frame.rows() == [("null", None), (None, "null")]


BLANKS = [chr(code) for code in range(0x80, 0x3001) if chr(code).isspace()]


@given(
    pages()
    | st.lists(
        st.fixed_dictionaries({"a": st.text(st.sampled_from([*BLANKS, " ", "x", "张", "°", "。", "\ufffd"]))}),
        min_size=1,
    )
)
def test_a_clean_page_has_nothing_that_conform_would_look_for(records: list[dict[str, object]]) -> None:
    read = read_plain(dumped(records), list(records[0]))
    assert read is not None
    texts = [value for row in read.frame.rows() for value in row if value is not None]
    if read.clean:
        assert all(text and text.strip() == text and not {"\0", "\ufffd"} & set(text) for text in texts)


@pytest.mark.parametrize("blank", [*BLANKS, " ", "\ufffd"])
@pytest.mark.parametrize("form", ["{0}张", "张{0}", "a{0}", "{0}b", "{0}"])
def test_no_blank_is_taken_for_clean(blank: str, form: str) -> None:
    assert not read_plain(dumped([{"a": form.format(blank)}, {"a": "b"}]), ["a"]).clean  # type: ignore[union-attr]


def test_most_pages_are_clean() -> None:
    read = read_plain(dumped([{"a": "杭州市 1 号", "b": 1.5}, {"a": "单（女）", "b": None}]), ["a", "b"])
    assert read is not None
    assert read.clean
