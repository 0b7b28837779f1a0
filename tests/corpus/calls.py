# ruff: noqa: E501 (a case a line, as far as it goes)
"""Answers of gateways, catalogues and SOAP services, served over HTTP on loopback."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from connectors.errors import ContractViolation, Retriable, Truncated
from tests.corpus.cases import CANARY_FILE, FIELDS, Case, Ends, Read, Refused, Row, good_rows, luck
from tests.corpus.values import spoilt_cases

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NIL = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"'

Body = bytes | list[bytes]
"""An answer, or its pieces: a large one need not be held as a whole."""
Spoils = list[tuple[str, Callable[[], Body], Ends, dict[str, Any]]]


def dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def gateway(rows: list[Any], *, twice: bool = False, **more: Any) -> bytes:
    """A gateway's page; with `twice` the rows are JSON text inside the JSON."""
    datas: Any = dumped(rows).decode("utf-8", "surrogatepass") if twice else rows
    counts = {"code": "00", "dataCount": len(rows), "totalDataCount": len(rows), "totalPage": 1}
    return dumped({**counts, **more, "datas": datas})


def raw_gateway(datas: bytes, count: int) -> bytes:
    """A gateway's page around records that are no proper JSON."""
    return b'{"code":"00","dataCount":%d,"totalDataCount":%d,"totalPage":1,"datas":%b}' % (count, count, datas)


def catalogue(rows: list[Any]) -> bytes:
    return dumped({"code": "10000", "data": {"pageNum": 1, "rows": rows}})


def xml(rows: list[Row]) -> str:
    def value(field: str, text: str | None) -> str:
        return f"<{field} {NIL}/>" if text is None else f"<{field}>{escape(text)}</{field}>"

    records = "".join("<record>" + "".join(value(field, row[field]) for field in FIELDS) + "</record>" for row in rows)
    return f"<records>{records}</records>"


def envelope(content: bytes, count: int, **declared: str) -> bytes:
    """A SOAP answer that holds base64(gzip(content))."""
    packed = base64.b64encode(gzip.compress(content, 6, mtime=0)).decode()
    return sealed(packed, count, f"{zlib.crc32(content):08x}", **declared)


def sealed(packed: str, count: int, crc: str, **declared: str) -> bytes:
    attributes = {"id": "b1", "count": str(count), "total": str(count), "pages": "1", "crc32": crc, **declared}
    batch = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{SOAP}"><s:Body><t:recordsResponse '
        f'xmlns:t="urn:town:records:1"><batch {batch}>{packed}</batch></t:recordsResponse></s:Body></s:Envelope>'
    ).encode()


def call_cases() -> list[Case]:
    return [
        *spoilt_cases("gateway", gateway),
        *spoilt_cases("gateway", lambda rows: gateway(rows, twice=True), label="gateway-twice"),
        *(Case(f"gateway/{name}", "gateway", body, ends, options) for name, body, ends, options in _gateway()),
        *(Case(f"catalogue/{name}", "catalogue", body, ends, options) for name, body, ends, options in _catalogue()),
        *spoilt_cases("soap", lambda rows: envelope(xml(rows).encode(), len(rows)), but=_NOT_IN_XML),
        *spoilt_cases(
            "soap", lambda rows: envelope(xml(rows).encode("gb18030"), len(rows)), label="soap-gb18030",
            but=_NOT_IN_XML, encoding="gb18030",
        ),
        *(Case(f"soap/{name}", "soap", body, ends, options) for name, body, ends, options in _soap()),
    ]  # fmt: skip


_NOT_IN_XML: dict[str, Ends | None] = {"nul": Refused(ContractViolation, "not well-formed", "refused whole")}


def _more(extra: Any) -> bytes:
    return gateway([*good_rows(), extra])


def _gateway() -> Spoils:
    more = good_rows(9)[-1]
    whole = gateway(good_rows())
    twice = gateway(good_rows(), twice=True)
    changed, page = "interface was changed", Refused(ContractViolation, "no gateway envelope", "Ask the gateway")
    rows = dumped(good_rows())

    def record(text: bytes) -> bytes:
        """The six good rows and one as raw JSON text."""
        return raw_gateway(rows[:-1] + b"," + text + b"]", 7)

    nine = dumped(more)
    cuts: Spoils = [
        (f"cut-{n}", lambda n=n: whole[: luck(f"gateway/{n}").randrange(2, len(whole) - 2)],  # type: ignore[misc]
         Refused(Truncated, "no whole JSON", "tries again"), {})
        for n in range(5)
    ]  # fmt: skip
    return [
        *cuts,
        ("empty_body", lambda: b"", Refused(Truncated, "no whole JSON", "tries again"), {}),
        ("login_page", lambda: b"<!DOCTYPE html><html>login</html>", Refused(ContractViolation, "HTML page", "login"), {}),
        ("error_with_200", lambda: dumped({"code": "99", "msg": "busy"}),
         Refused(ContractViolation, "answered code 99", "Ask the gateway"), {}),
        ("plain_text", lambda: b"Internal error", Refused(Truncated, "no whole JSON", "tries again"), {}),
        ("an_array", lambda: b"[]", page, {}),
        ("a_number", lambda: b"1", page, {}),
        ("no_counts", lambda: dumped({"code": "00", "datas": good_rows()}),
         Refused(ContractViolation, "declares no counts", "Ask the gateway"), {}),
        ("count_is_a_word", lambda: gateway(good_rows(), totalDataCount="many"),
         Refused(ContractViolation, "declares no counts", "Ask the gateway"), {}),
        ("count_of_401_digits", lambda: whole.replace(b'"totalDataCount":6', b'"totalDataCount":1' + b"0" * 5000),
         Refused(ContractViolation, "declares no counts", "Ask the gateway"), {}),
        ("fewer_than_declared", lambda: gateway(good_rows(), dataCount=9),
         Refused(Truncated, "has 6 rows and declares 9"), {}),
        ("nothing_of_what_is_declared", lambda: gateway([], totalDataCount=6),
         Refused(Retriable, "stays empty", "tries again"), {}),
        ("datas_is_an_object", lambda: gateway(good_rows(), totalDataCount=6).replace(rows, b'{"a":[1]}'),
         Refused(ContractViolation, "neither text nor a list", "Ask the gateway"), {}),
        ("datas_is_no_json", lambda: twice.replace(b"[{", b"[[{", 1), Refused(ContractViolation, "no valid JSON", changed), {}),
        ("datas_is_no_array", lambda: dumped(json.loads(whole) | {"datas": '{"a":1}'}),
         Refused(ContractViolation, "no JSON array", changed), {}),
        ("encoded_three_times", lambda: dumped(json.loads(twice) | {"datas": dumped(json.loads(twice)["datas"]).decode()}),
         Refused(ContractViolation, "no JSON array", changed), {}),
        ("null_datas", lambda: dumped(json.loads(gateway([])) | {"datas": None}), Read(0), {}),
        ("record_is_a_number", lambda: _more(7), Read(7, ((None, "malformed_json"),)), {}),
        ("record_is_a_list", lambda: _more([more]), Read(7, (("R0009", "malformed_json"),)), {}),
        ("record_is_null", lambda: _more(None), Read(7, ((None, "malformed_json"),)), {}),
        ("empty_record", lambda: _more({}), Read(7, ((None, "id:missing_required"),)), {}),
        ("nested_value", lambda: _more(more | {"bz": {"a": [1, "x"]}}),
         Read(7, values={("R0009", "note"): '{"a":["1","x"]}'}), {}),
        ("numbers_for_texts", lambda: record(nine.replace(b'"9.50"', b"1234.50").replace(b'"2"', b"2")), Read(7), {}),
        ("id_as_a_number", lambda: record(nine.replace(b'"11010519491231002X"', b"110105194912310021")),
         Read(7, (("R0009", "resident_id:invalid_resident_id"),)), {}),
        ("id_in_exponents", lambda: record(nine.replace(b'"11010519491231002X"', b"1.1010519491231E17")),
         Read(7, (("R0009", "resident_id:lost_precision"),)), {}),
        ("boolean_for_a_code", lambda: _more(more | {"zt": True}), Read(7, (("R0009", "state:unknown_code"),)), {}),
        ("not_a_number", lambda: record(nine.replace(b'"9.50"', b"NaN")),
         Refused(ContractViolation, "no valid JSON", changed), {}),
        ("number_of_5000_digits", lambda: record(nine.replace(b'"9.50"', b"9" * 5000)),
         Read(7, (("R0009", "amount:not_an_amount"),)), {}),
        ("single_quotes", lambda: record(nine.replace(b'"', b"'")), Refused(ContractViolation, "no valid JSON", changed), {}),
        ("comma_too_many", lambda: raw_gateway(rows[:-1] + b",]", 6), Refused(ContractViolation, "no valid JSON", changed), {}),
        ("raw_line_feed_in_a_text", lambda: record(nine.replace("第9号".encode(), b"a\nb")),
         Refused(ContractViolation, "no valid JSON", changed), {}),
        ("half_a_surrogate", lambda: record(nine.replace("第9号".encode(), b"\\ud800")),
         Read(7, (("R0009", "undecodable_text"),)), {}),
        ("bytes_of_gbk", lambda: record(nine.replace("第9号".encode(), "第9号".encode("gbk"))),
         Read(7, (("R0009", "undecodable_text"),)), {}),
        ("key_twice", lambda: record(nine[:-1] + b',"bz":"again"}'), Read(7), {}),
        ("renamed_column", lambda: whole.replace(b'"zt"', b'"ztdm"'),
         Refused(ContractViolation, "no longer has zt", "physicalName"), {}),
        ("added_column", lambda: _more(more | {"xzzd": "new"}), Read(7), {}),
        ("ten_thousand_columns", lambda: gateway([row | {f"c{n}": "x" for n in range(10_000)} for row in good_rows()]),
         Refused(ContractViolation, "more than 1000", "Ask the owner"), {}),
        ("other_columns_in_every_record", lambda: gateway([r | {f"c{n}-{m}": 1 for m in range(9)} for n, r in
         enumerate(good_rows(2000))]), Refused(ContractViolation, "more than 1000", "Ask the owner"), {}),
        ("nested_deeply", lambda: record(nine.replace('"第9号"'.encode(), b"[" * 300_000 + b"]" * 300_000)),
         Refused(ContractViolation, "nested too deeply", "Ask the owner"), {}),
        ("envelope_nested_deeply", lambda: b'{"code":"00","x":' + b"[" * 300_000 + b"]" * 300_000 + b"}",
         Refused(ContractViolation, "nested too deeply", "Ask the owner"), {}),
        ("two_million_nothings", lambda: raw_gateway(b"[" + b"1," * 2_000_000 + b"1]", 2_000_001),
         Refused(ContractViolation, "more than", "smaller pages"), {}),
        ("two_million_nothings_in_the_envelope", lambda: b'{"code":"00","x":[' + b"{}," * 2_000_000 + b'{}],"y":1}',
         Refused(ContractViolation, "more than", "smaller pages"), {}),
        ("text_of_12_mb", lambda: _more(more | {"bz": "x" * 12_000_000}), Read(7, (("R0009", "oversized_field"),)), {}),
        ("68_mb", lambda: [b'{"code":"', *[b"0" * 1_000_000] * 68, b'"}'], Refused(ContractViolation, "more than", "smaller pages"), {}),
        ("gzip_bomb", lambda: _zeros(256 << 20), Refused(ContractViolation, "more than", "smaller pages"),
         {"headers": {"Content-Encoding": "gzip"}}),
        ("gzip_cut", lambda: gzip.compress(whole)[:-20], Refused(Truncated, "", ""), {"headers": {"Content-Encoding": "gzip"}}),
        ("gzip_of_two_members", lambda: gzip.compress(whole[:90]) + gzip.compress(whole[90:]), Read(6),
         {"headers": {"Content-Encoding": "gzip"}}),
        ("packed_unasked", lambda: whole, Refused(ContractViolation, "not asked for", "Ask its owner"),
         {"headers": {"Content-Encoding": "br"}}),
        ("gzip_that_is_none", lambda: whole, Refused(Retriable, "", ""), {"headers": {"Content-Encoding": "gzip"}}),
        ("shorter_than_its_length", lambda: whole, Refused(Truncated, "before its declared length"),
         {"headers": {"Content-Length": "9999"}}),
        ("redirect", lambda: b"", Refused(ContractViolation, "redirects to", "new address"),
         {"status": 302, "headers": {"Location": "http://198.51.100.1/"}}),
        ("mark_in_front", lambda: b"\xef\xbb\xbf" + whole, Read(6), {}),
        ("blanks_around", lambda: b" \n" + whole + b"\n ", Read(6), {}),
    ]  # fmt: skip


def _zeros(size: int) -> bytes:
    packer = zlib.compressobj(6, wbits=31)
    parts = [packer.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    return b"".join([*parts, packer.flush()])


def _catalogue() -> Spoils:
    whole = catalogue(good_rows())
    return [
        ("sound", lambda: whole, Read(6), {}),
        ("cut", lambda: whole[:-40], Refused(Truncated, "no whole JSON", "tries again"), {}),
        ("another_page", lambda: whole.replace(b'"pageNum":1', b'"pageNum":2'),
         Refused(ContractViolation, "not page 1", "catalogue's owner"), {}),
        ("rows_are_text", lambda: dumped({"code": "10000", "data": {"pageNum": 1, "rows": "none"}}),
         Refused(ContractViolation, "not page 1", "catalogue's owner"), {}),
        ("data_is_a_list", lambda: dumped({"code": "10000", "data": []}),
         Refused(ContractViolation, "answered code 10000", "Ask its owner"), {}),
        ("no_code", lambda: b"{}", Refused(ContractViolation, "answered code None", "Ask its owner"), {}),
        ("an_array", lambda: b"[1]", Refused(ContractViolation, "answered code none", "Ask its owner"), {}),
        ("record_is_a_number", lambda: catalogue([*good_rows(5), 7]), Read(6, ((None, "malformed_json"),)), {}),
        ("renamed_column", lambda: whole.replace(b'"zt"', b'"ztdm"'),
         Refused(ContractViolation, "no longer has zt", "physicalName"), {}),
        ("nested_deeply", lambda: b'{"code":' + b"[" * 300_000 + b"]" * 300_000 + b"}",
         Refused(ContractViolation, "nested too deeply", "Ask the owner"), {}),
    ]  # fmt: skip


def _soap() -> Spoils:
    whole = xml(good_rows())
    answer = envelope(whole.encode(), 6)
    more = xml(good_rows(9)[-1:]).removeprefix("<records>").removesuffix("</records>")
    asks, shape = "asks again", Refused(ContractViolation, "not well-formed", "refused whole")
    typed = Refused(ContractViolation, "document type or entities", "plain XML")

    def records(inside: str, count: int = 7, encoding: str = "utf-8") -> bytes:
        return envelope(whole.replace("</records>", inside + "</records>").encode(encoding), count)

    def doctype(declaration: str, use: str = "") -> bytes:
        return envelope((declaration + whole.replace("第1号", use)).encode(), 6)

    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return [
        ("cut_envelope", lambda: answer[:-30], Refused(Truncated, "ends before its envelope", asks), {}),
        ("empty_body", lambda: b"", Refused(Truncated, "ends before its envelope", asks), {}),
        ("login_page", lambda: b"<html><body>login</body></html>", Refused(ContractViolation, "HTML page", "login"), {}),
        ("another_document", lambda: b"<a/>", Refused(ContractViolation, "no SOAP 1.1 envelope", "address"), {}),
        ("fault", lambda: f'<s:Envelope xmlns:s="{SOAP}"><s:Body><s:Fault><faultcode>s:Client</faultcode></s:Fault></s:Body></s:Envelope>'.encode(),
         Refused(ContractViolation, "fault Client", "Ask the owner"), {"status": 500}),
        ("no_batch", lambda: answer.replace(b"batch", b"bunch"), Refused(ContractViolation, "no batch", "service changed"), {}),
        ("count_is_a_word", lambda: answer.replace(b'count="6"', b'count="six"'),
         Refused(ContractViolation, "does not declare", "Ask the owner"), {}),
        ("wrong_count", lambda: envelope(whole.encode(), 5), Refused(Truncated, "6 records and 5 declared", asks), {}),
        ("wrong_crc", lambda: answer.replace(b'crc32="', b'crc32="1'),
         Refused(Truncated, "CRC-32", asks), {}),
        ("no_base64", lambda: sealed("%%%", 6, "0"), Refused(Truncated, "no whole base64", asks), {}),
        ("cut_base64", lambda: sealed(base64.b64encode(gzip.compress(whole.encode())).decode()[:-3], 6, "0"),
         Refused(Truncated, "no whole base64", asks), {}),
        ("no_gzip", lambda: sealed(base64.b64encode(whole.encode()).decode(), 6, "0"),
         Refused(Truncated, "gzip payload is damaged", asks), {}),
        ("cut_gzip", lambda: sealed(base64.b64encode(gzip.compress(whole.encode())[:-9]).decode(), 6, "0"),
         Refused(Truncated, "before its trailer", asks), {}),
        ("gzip_crc", lambda: sealed(base64.b64encode(_broken_trailer(whole.encode())).decode(), 6, "0"),
         Refused(Truncated, "gzip payload is damaged", asks), {}),
        ("gzip_bomb", lambda: sealed(base64.b64encode(_zeros(256 << 20)).decode(), 6, "0"),
         Refused(ContractViolation, "swells beyond", "smaller pages"), {}),
        ("gzip_in_gzip", lambda: envelope(gzip.compress(whole.encode()), 6), shape, {}),
        ("two_million_elements", lambda: envelope(
            b"<r>" + b"<a>1</a>" * 1_050_000 + b"</r>", 0),
         Refused(ContractViolation, "more than", "smaller pages"), {}),
        ("record_of_a_million_elements", lambda: records("<record>" + "<a/>" * 900_000 + "</record>"),
         Read(7, ((None, "malformed_xml"),)), {}),
        ("other_columns_in_every_record", lambda: envelope(("<records>" + "".join(
         f"<record><c{n}a/><c{n}b/></record>" for n in range(2000)) + "</records>").encode(), 2000),
         Refused(ContractViolation, "more than 1000", "Ask the owner"), {}),
        ("attribute_flood", lambda: records("<record " + " ".join(f'a{n}="1"' for n in range(100_000)) + "/>"),
         Read(7, ((None, "id:missing_required"),)), {}),
        ("nested_deeply", lambda: records("<record><bz>" + "<a>" * 100_000 + "</a>" * 100_000 + "</bz></record>"),
         Read(7, ((None, "malformed_xml"),)), {}),
        ("external_entity", lambda: doctype(f'<!DOCTYPE r [<!ENTITY x SYSTEM "{CANARY_FILE}">]>', "&x;"), typed, {}),
        ("external_entity_of_the_network", lambda: doctype('<!DOCTYPE r [<!ENTITY x SYSTEM "http://198.51.100.1/">]>', "&x;"),
         typed, {}),
        ("parameter_entity", lambda: doctype('<!DOCTYPE r [<!ENTITY % x SYSTEM "http://198.51.100.1/x.dtd">%x;]>'), typed, {}),
        ("external_dtd", lambda: doctype('<!DOCTYPE r SYSTEM "http://198.51.100.1/x.dtd">'), typed, {}),
        ("billion_laughs", lambda: doctype(f'<!DOCTYPE r [<!ENTITY l0 "ha">{laughs}]>', "&l11;"), typed, {}),
        ("quadratic_blow_up", lambda: doctype(f'<!DOCTYPE r [<!ENTITY x "{"x" * 50_000}">]>', "&x;" * 5_000), typed, {}),
        ("harmless_doctype", lambda: doctype("<!DOCTYPE records>", "1"), typed, {}),
        ("undeclared_entity", lambda: doctype("", "&nbsp;"), shape, {}),
        ("doctype_in_the_envelope", lambda: answer.replace(b"?><s:", b'?><!DOCTYPE x [<!ENTITY a "b">]><s:'), typed, {}),
        ("xinclude", lambda: records('<record><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd"/></record>'),
         Read(7, ((None, "id:missing_required"),)), {}),
        ("processing_instruction", lambda: records('<?xml-stylesheet href="http://198.51.100.1/"?>' + more), Read(7), {}),
        ("comment_in_a_value", lambda: records(more.replace("第9号", "第<!-- x -->9号")), Read(7), {}),
        ("cdata", lambda: records(more.replace("第9号", "<![CDATA[<b>]]>")), Read(7, values={("R0009", "note"): "<b>"}), {}),
        ("not_closed", lambda: envelope(whole.replace("</records>", "").encode(), 6), shape, {}),
        ("two_roots", lambda: envelope((whole + "<records/>").encode(), 6), shape, {}),
        ("control_character", lambda: records(more.replace("第9号", "\x01")), shape, {}),
        ("value_twice", lambda: records(more.replace("</record>", "<bz>again</bz></record>")),
         Read(7, (("R0009", "malformed_xml"),)), {}),
        ("value_nested", lambda: records(more.replace("第9号", "<b>9</b>")), Read(7, (("R0009", "malformed_xml"),)), {}),
        ("bytes_of_gbk", lambda: envelope(records_text(whole, more).encode().replace("第9号".encode(), "第9号".encode("gbk")), 7),
         Read(7, (("R0009", "undecodable_text"),)), {}),
        ("unknown_encoding", lambda: envelope(b'<?xml version="1.0" encoding="klingon"?>' + whole.encode(), 6),
         Refused(ContractViolation, "unknown encoding", "UTF-8"), {}),
        ("encoding_that_is_no_text", lambda: envelope(b'<?xml version="1.0" encoding="hex"?>' + whole.encode(), 6),
         Refused(ContractViolation, "unknown encoding", "UTF-8"), {}),
        ("encoding_that_lies", lambda: envelope(b'<?xml version="1.0" encoding="gb2312"?>' + whole.encode(), 6),
         Read(6, ((None, "undecodable_text"),) * 6), {}),
        ("utf_16", lambda: envelope(('<?xml version="1.0" encoding="utf-16"?>' + whole).encode("utf-16"), 6), shape, {}),
        ("utf_7", lambda: envelope(b'<?xml version="1.0" encoding="utf-7"?>' + whole.encode("utf-7"), 6),
         Refused(ContractViolation, "unknown encoding", "UTF-8"), {}),
        ("with_a_mark", lambda: envelope(b"\xef\xbb\xbf" + whole.encode(), 6), Read(6), {}),
        ("renamed_column", lambda: envelope(whole.replace("zt>", "ztdm>").encode(), 6),
         Refused(ContractViolation, "no longer has zt", "physicalName"), {}),
    ]  # fmt: skip


def records_text(whole: str, inside: str) -> str:
    return whole.replace("</records>", inside + "</records>")


def _broken_trailer(content: bytes) -> bytes:
    packed = bytearray(gzip.compress(content, mtime=0))
    packed[-6] ^= 0xFF
    return bytes(packed)
