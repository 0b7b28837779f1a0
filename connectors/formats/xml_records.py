"""XML records → a frame of Strings. No document type, no entities, no network: such a document is refused.

One element is one record and its children are the values, namespaces dropped: ``<incident><JQBH>1</JQBH></incident>``.
Encodings that XML parsers do not know but Chinese systems declare (GB2312, GBK, GB18030) are decoded here, all as
GB18030, which contains the others.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Any, Final

import defusedxml.ElementTree as SafeTree
import polars as pl
from defusedxml.common import DefusedXmlException

from connectors.encodings import ENCODINGS
from connectors.errors import ContractViolation, Truncated
from connectors.formats.fields import refuse_too_many, shortened
from connectors.limits import LONGEST_FIELD
from connectors.protocols.base import BadRecord, Page

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_ELEMENTS: Final = 1_000_000
"""Of a document; each costs memory a hundred times its three bytes."""
_SMALL_BYTES: Final = 16 * 1024 * 1024
"""So much may any payload unpack to, whatever its ratio: one long value of one letter is no bomb."""

_DECLARATION: Final = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"'][^>]*\?>")
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"

# Undecodable bytes 80…FF stand in the parsed text as these characters of a private plane, so that the parser goes on
# and only the record that holds them is a bad one.
_PRIVATE: Final = 0x10FE00
_TO_PRIVATE: Final = {0xDC00 + byte: _PRIVATE + byte for byte in range(0x80, 0x100)}
_UNDECODABLE: Final = re.compile(f"[{chr(_PRIVATE + 0x80)}-{chr(_PRIVATE + 0xFF)}]")


def read_records(payload: bytes, tag: str, where: str, *, encoding: str = "utf-8", first_row: int = 0) -> Page:
    """Every ``tag`` element of the document → one row; columns in the order of first appearance.

    ``encoding`` holds where the document declares none. Absent children and ``xsi:nil`` are null. A record with nested
    or repeated children is a bad one. Raises ``ContractViolation`` for what is no safe, well-formed XML.
    """
    root = parse(payload, where, encoding=encoding)
    records = [element for element in root.iter() if local_name(element) == tag]
    rows: list[dict[str, str | None]] = []
    bad: list[BadRecord] = []
    for number, element in enumerate(records, first_row):
        row = {local_name(child): _text(child) for child in element}
        reason = _fault(element, row)
        if reason is None:
            rows.append(row)
        else:
            bad.append(BadRecord(number, _raw(row), reason))
    names = dict.fromkeys(name for row in rows for name in row)
    refuse_too_many(names, where)
    frame = pl.DataFrame({name: pl.Series(name, [row.get(name) for row in rows], dtype=pl.String) for name in names})
    return Page(frame, tuple(bad), len(payload))


def parse(payload: bytes, where: str, *, encoding: str = "utf-8") -> Element:
    """The root element of a document that is well-formed and declares no type and no entity."""
    if payload.count(b"<") > 2 * MAX_ELEMENTS:
        raise ContractViolation(
            f"{where}: the XML has more than {MAX_ELEMENTS:,} elements", "Ask the owner for smaller pages"
        )
    text = _decode(payload, encoding)
    try:
        root: Element = SafeTree.fromstring(text, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException:
        raise ContractViolation(
            f"{where}: the XML declares a document type or entities, which are never expanded",
            "Ask the owner to send plain XML",
        ) from None
    except SafeTree.ParseError as error:
        line, column = error.position
        raise ContractViolation(
            f"{where}: the XML is not well-formed at line {line}, column {column}",
            "Ask the owner; the document was refused whole",
        ) from None
    return root


def gunzip(data: bytes, where: str, *, max_bytes: int = 64 * 1024 * 1024, max_ratio: int = 250) -> bytes:
    """One gzip member, whole (its CRC and length agree), within limits of size and ratio against bombs."""
    inflater = zlib.decompressobj(wbits=31)
    limit = min(max_bytes, max(_SMALL_BYTES, len(data) * max_ratio))
    try:
        plain = inflater.decompress(data, limit + 1)
    except zlib.error:
        raise Truncated(f"{where}: the gzip payload is damaged", "The next run asks again") from None
    if len(plain) > limit:
        raise ContractViolation(
            f"{where}: the gzip payload swells beyond {limit} bytes",
            "Ask the owner for smaller pages; it was refused",
        )
    if not inflater.eof:
        raise Truncated(f"{where}: the gzip payload ends before its trailer", "The next run asks again")
    return plain


def local_name(element: Element) -> str:
    """The tag without its namespace."""
    return element.tag.rpartition("}")[2]


def _decode(payload: bytes, encoding: str) -> str:
    """Text without its XML declaration, undecodable bytes as private characters."""
    payload = payload.removeprefix(b"\xef\xbb\xbf")
    declared = _DECLARATION.match(payload)
    name = declared.group(1).decode().lower() if declared else encoding.lower()
    codec = {"gb_2312-80": "gb18030", "cp936": "gb18030"}.get(name) or ENCODINGS.get(name)
    if codec is None:
        raise ContractViolation(f"XML in the unknown encoding {name}", "Ask the owner for UTF-8 or GB18030")
    text = payload.decode(codec, "surrogateescape")
    # The parser would stumble over a declaration of another encoding than the text's.
    return re.sub(r"^\s*<\?xml[^>]*\?>", "", text).translate(_TO_PRIVATE)


def _text(element: Element) -> str | None:
    if len(element) or element.get(_NIL) in ("true", "1"):
        return None
    return element.text or ""


def _fault(element: Element, row: dict[str, Any]) -> str | None:
    if len(row) != len(element) or any(len(child) for child in element):
        return "malformed_xml"
    if any(value is not None and len(value) > LONGEST_FIELD for value in row.values()):
        return "oversized_field"
    if any(value is not None and _UNDECODABLE.search(value) for value in row.values()):
        return "undecodable_text"
    return None


def _raw(row: dict[str, str | None]) -> str:
    return _UNDECODABLE.sub(lambda match: f"\\x{ord(match[0]) - _PRIVATE:02x}", shortened(row))
