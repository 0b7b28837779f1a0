"""XML records are read safely: nothing is expanded, nothing is fetched, damage costs as little as it can."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import ContractViolation, Truncated
from connectors.formats.xml_records import gunzip, read_records
from connectors.limits import LONGEST_FIELD
from connectors.protocols.base import Page

BILLION = '<!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><records><record><A>&b;</A></record></records>'
XXE = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><records><record><A>&x;</A></record></records>'


def read(text: str | bytes, encoding: str = "utf-8") -> Page:
    return read_records(text.encode() if isinstance(text, str) else text, "record", "test", encoding=encoding)


def test_values_null_and_empty() -> None:
    page = read(
        '<?xml version="1.0" encoding="UTF-8"?><r xmlns="urn:x" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        '<record><A>1&amp;2</A><B xsi:nil="true"/></record><record><B/><C><![CDATA[<x>]]></C></record></r>'
    )
    assert page.frame.columns == ["A", "B", "C"]
    assert page.frame.rows() == [("1&2", None, None), (None, "", "<x>")]


@pytest.mark.parametrize("name", ["GB2312", "gbk", "GB18030"])
def test_chinese_encodings_with_rare_characters(name: str) -> None:
    text = f'<?xml version="1.0" encoding="{name}"?><r><record><A>䶮𠮷㐱</A></record></r>'
    assert read(text.encode("gb18030")).frame.item() == "䶮𠮷㐱"


def test_undecodable_bytes_cost_one_record() -> None:
    page = read("<r><record><A>一</A></record><record><A>".encode() + b"\xff\xb6</A></record></r>")
    assert page.frame["A"].to_list() == ["一"]
    assert [(b.row_no, b.reason) for b in page.bad] == [(1, "undecodable_text")]
    assert "\\xff\\xb6" in page.bad[0].raw


def test_nested_repeated_and_oversized_cost_one_record_each() -> None:
    long = "x" * (LONGEST_FIELD + 1)
    page = read(
        f"<r><record><A><B/></A></record><record><A/><A/></record><record><A>{long}</A></record><record><A>1</A></record></r>"
    )
    assert [b.reason for b in page.bad] == ["malformed_xml", "malformed_xml", "oversized_field"]
    assert page.frame.rows() == [("1",)]


@pytest.mark.parametrize(
    "text",
    [
        BILLION,
        XXE,
        "<r><record></r>",
        "",
        "plain",
        '<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd"><r/>',
        "<r>\x00</r>",
    ],
)
def test_unsafe_or_broken_documents_are_refused_whole(text: str) -> None:
    with pytest.raises(ContractViolation):
        read(text)


def test_unknown_encoding_is_named() -> None:
    with pytest.raises(ContractViolation, match="klingon"):
        read(b'<?xml version="1.0" encoding="klingon"?><r/>')


def test_gunzip_takes_whole_members_only() -> None:
    packed = gzip.compress(b"records" * 1000)
    assert gunzip(packed, "test") == b"records" * 1000
    for damaged in (
        packed[:-1],
        packed[:-9],
        packed[: len(packed) // 2],
        packed[:-8] + b"\0" * 8,
        b"",
        b"no gzip",
    ):
        with pytest.raises(Truncated):
            gunzip(damaged, "test")


def test_gunzip_stops_a_bomb() -> None:
    with pytest.raises(ContractViolation, match="swells"):
        gunzip(gzip.compress(b"\0" * 50_000_000), "test")
    with pytest.raises(ContractViolation, match="swells"):
        gunzip(gzip.compress(bytes(range(256)) * 8000), "test", max_bytes=1_000_000)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_page_or_a_refusal(data: bytes) -> None:
    try:
        page = read(b"<r><record><A>" + data + b"</A></record></r>")
    except ContractViolation:
        return
    for value in page.frame["A"] if page.frame.width else []:
        value.encode()
    for bad in page.bad:
        bad.raw.encode()
