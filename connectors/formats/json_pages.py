"""JSON records → a frame of Strings, exactly as sent.

Numbers keep the digits that were sent (``1234.50`` stays ``"1234.50"``, an 18-digit number is not rounded): an amount
or an identity number must never pass through a float. Three ways, each for what the one before it cannot prove that it
read whole: `json_plain` by the places of the quotes; then the bare numbers are quoted with a few passes over the bytes
and polars parses the page with an all-String schema, so that one wrong value cannot lose the page; what is left
(records of differing shape, nested values, undecodable bytes) is read record by record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from connectors.errors import ContractViolation
from connectors.formats.fields import refuse_too_many, shortened, without_oversized
from connectors.formats.json_plain import Plain, read_plain
from connectors.formats.octets import BLOCK
from connectors.limits import JSON_RAW_CHARS, LONGEST_FIELD
from connectors.protocols.base import BadRecord, Page

MAX_VALUES: Final = 1_000_000
"""Values of a document that is read value by value: each costs memory a hundred times its two bytes."""

_LONGEST_NUMBER: Final = 40
_EXACT_DIGITS: Final = 15
"""A float gives back every integer of so many digits; longer numbers and fractions must stay text."""

_ODD_ENDS: Final = (" ", "\t", "\r", "\n", ":", ",", "[", "{", "\\")
"""A key that ends so cannot be told from the beginning of a value (see ``_quote_numbers``)."""

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def read_records(payload: bytes, where: str, first_row: int = 0) -> Page:
    """A JSON array of objects → a page; columns in the order of first appearance, absent keys null.

    ``where`` names the source in messages; ``first_row`` is the number of the first record, for bad ones. Nested
    values become JSON text. Raises ``ContractViolation`` when ``payload`` is no array of objects.
    """
    payload = payload.removeprefix(b"\xef\xbb\xbf").strip()
    if payload in (b"", b"[]", b"null"):
        return Page(pl.DataFrame(), bytes_in=len(payload))
    if payload[:1] != b"[":
        raise ContractViolation(
            f"{where}: the records are no JSON array", "Ask the owner whether the interface was changed"
        )
    read = quick(payload, where)
    if read is None:
        return _careful(payload, where, first_row)
    return without_oversized(read.frame, len(payload), first_row, clean=read.clean)


def quick(payload: bytes, where: str = "the page") -> Plain | None:
    """The page by its quotes or by polars, or None when it may not be complete or exact."""
    keys = _first_keys(payload)
    if not keys or any(key[-1:] in ("", *_ODD_ENDS) for key in keys):
        return None
    refuse_too_many(keys, where)
    if (plain := read_plain(payload, keys)) is not None:
        return plain
    if b"\\u" in payload and _SURROGATE.search(payload):  # to look for the two bytes first is many times faster
        return None
    quoted = _quote_numbers(payload)
    if quoted is None:
        return None
    text, pairs = quoted
    try:
        frame = pl.read_json(text, schema=dict.fromkeys(keys, pl.String))
    except pl.exceptions.PolarsError:
        return None
    # Every record has just the keys of the first one if there are so many keys in all and none had to be filled up: a
    # key without nulls stands in every record, one with nulls must be found as often as there are records.
    if pairs != frame.height * len(keys):
        return None
    doubtful = [key for key, nulls in zip(keys, frame.null_count().row(0), strict=True) if nulls]
    whole = all(payload.count(f'"{key}":'.encode("utf-8", "replace")) == frame.height for key in doubtful)
    return Plain(frame) if whole else None


def _quote_numbers(payload: bytes) -> tuple[bytes, int] | None:
    """``payload`` with its bare numbers as strings, and how often a quote is followed by a colon in it.

    A number follows `"` `:` and, because that quote ends a key, the byte before it is no separator: where it is one,
    the quote begins a value such as `":5"`, and after a backslash it is part of one. None when the spacing is unusual.
    """
    pairs, count = _after_keys(payload)
    if not pairs.size:
        return payload, count
    data = np.frombuffer(payload + b" " * _LONGEST_NUMBER, np.uint8)
    starts = pairs + 1 + (data[pairs + 1] == ord(" "))
    if _SPACE[data[starts]].any():
        return None
    starts = starts[_NUMBER_START[data[starts]] & ~_NO_KEY_END[data[pairs - 2]]]
    if not starts.size:
        return payload, count
    window = data[starts[:, None] + np.arange(_LONGEST_NUMBER)]
    lengths = np.argmin(_NUMBER[window], axis=1)
    if not lengths.all():
        return None
    exact = _FRACTION[window] & (np.arange(_LONGEST_NUMBER) < lengths[:, None])
    if lengths.max() <= _EXACT_DIGITS and not exact.any():
        return payload, count
    places = np.column_stack([starts, starts + lengths]).ravel()
    return np.insert(data, places, ord('"')).tobytes(), count


def _after_keys(payload: bytes) -> tuple[NDArray[np.intp], int]:
    """Places of the colons after which a number may follow, and how many colons follow a quote."""
    data = np.frombuffer(payload, np.uint8)
    found, count = [], 0
    for start in range(0, len(data) - 2, BLOCK):
        part = data[start : start + BLOCK + 2]
        paired = (part[:-2] == ord('"')) & (part[1:-1] == ord(":"))
        count += int(np.count_nonzero(paired))
        # Most values are texts: only what begins with a blank or with one of `-./0123456789` is looked at further.
        paired &= (part[2:] <= ord(" ")) | (part[2:] - ord("-") <= ord("9") - ord("-"))
        found.append(np.flatnonzero(paired) + (start + 1))
    return np.concatenate(found) if found else np.empty(0, dtype=np.intp), count


def _bytes(characters: bytes) -> NDArray[np.bool_]:
    """A table of 256 truths: which bytes are among ``characters``."""
    table = np.zeros(256, dtype=bool)
    table[list(characters)] = True
    return table


_SPACE: Final = _bytes(b" \t\r\n")
_NUMBER_START: Final = _bytes(b"-0123456789")
_NUMBER: Final = _bytes(b"-+.eE0123456789")
_FRACTION: Final = _bytes(b".eE")
_NO_KEY_END: Final = _bytes("".join(_ODD_ENDS).encode())


def _first_keys(payload: bytes) -> list[str] | None:
    """Keys of the first record if it is flat, else None."""
    end = payload.find(b"}")
    try:
        first = orjson.loads(payload[1 : end + 1])
    except orjson.JSONDecodeError:
        return None
    return list(first) if isinstance(first, dict) else None


def loads_exact(payload: bytes) -> Any:
    """JSON → Python with numbers as the text that was sent; undecodable bytes stay as surrogate escapes.

    Raises ValueError for what is no JSON, ContractViolation for what is nested too deeply to be a table.
    """
    try:
        return json.loads(
            payload.decode("utf-8", "surrogateescape"),
            parse_float=str,
            parse_int=str,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        raise ContractViolation("the JSON is nested too deeply", "Ask the owner for a flat list of records") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def cut_array(payload: bytes, name: str) -> tuple[Any, bytes | None]:
    """A document with null in the place of the array ``name``, and that array as it was sent, for ``read_records``.

    It must be the document's last array. Where it cannot be cut out: the whole document (as by ``loads_exact`` if need
    be) and None. Raises ValueError for what is no JSON, ContractViolation for more values than anyone reads.
    """
    payload = payload.removeprefix(b"\xef\xbb\xbf")
    mark = f'"{name}":'.encode()
    start, end = payload.find(mark), payload.rfind(b"]") + 1
    begin = start + len(mark)
    try:
        if start >= 0 and payload[begin : begin + 1] == b"[" and end > begin:
            rest = payload[:begin] + b"null" + payload[end:]
            _refuse_flood(rest)
            return orjson.loads(rest), payload[begin:end]
        _refuse_flood(payload)
        return orjson.loads(payload), None
    except orjson.JSONDecodeError:
        return loads_exact(payload), None


def _refuse_flood(payload: bytes) -> None:
    if payload.count(b",") > MAX_VALUES:
        raise ContractViolation(
            f"the JSON has more than {MAX_VALUES:,} values", "Ask the owner for smaller pages; it was refused whole"
        )


def records_page(records: list[Any], size: int, first_row: int = 0, where: str = "the page") -> Page:
    """Records from ``loads_exact`` → a page; records that are no objects or hold undecodable text become bad ones."""
    good: list[dict[str, str | None]] = []
    bad: list[BadRecord] = []
    for number, record in enumerate(records, first_row):
        if not isinstance(record, dict):
            bad.append(
                BadRecord(number, _printable(json.dumps(record, ensure_ascii=False))[:JSON_RAW_CHARS], "malformed_json")
            )
            continue
        row = {_printable(key): _as_text(value) for key, value in record.items()}
        if any(value is not None and len(value) > LONGEST_FIELD for value in row.values()):
            bad.append(BadRecord(number, _printable(shortened(row)), "oversized_field"))
        elif any(value is not None and not _is_text(value) for value in row.values()):
            bad.append(BadRecord(number, _printable(json.dumps(row, ensure_ascii=False)), "undecodable_text"))
        else:
            good.append(row)
    keys = dict.fromkeys(key for row in good for key in row)
    refuse_too_many(keys, where)
    columns = {key: pl.Series(key, [row.get(key) for row in good], dtype=pl.String) for key in keys}
    return Page(pl.DataFrame(columns), tuple(bad), size)


def _careful(payload: bytes, where: str, first_row: int) -> Page:
    _refuse_flood(payload)
    try:
        records = loads_exact(payload)
    except ValueError as error:
        raise ContractViolation(
            f"{where}: the records are no valid JSON ({_position(error)})",
            "Ask the owner whether the interface was changed; the page was refused whole",
        ) from None
    if not isinstance(records, list):
        raise ContractViolation(f"{where}: the records are no JSON array", "Ask the owner")
    return records_page(records, len(payload), first_row, where)


def _position(error: ValueError) -> str:
    """Where the parser stopped, without the text around it: that may be personal data."""
    return f"{error.msg} at character {error.pos}" if isinstance(error, json.JSONDecodeError) else str(error)


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _is_text(value: str) -> bool:
    """False when ``value`` holds surrogates: bytes that were not UTF-8, or half of an escaped pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(value: str) -> str:
    r"""``value`` with undecodable bytes written as ``\xNN`` and lone surrogates as ``\uNNNN``."""
    escape: Callable[[re.Match[str]], str] = lambda m: (  # noqa: E731
        f"\\x{ord(m[0]) - 0xDC00:02x}" if 0xDC80 <= ord(m[0]) <= 0xDCFF else f"\\u{ord(m[0]):04x}"
    )
    return re.sub("[\ud800-\udfff]", escape, value)
