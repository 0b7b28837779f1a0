"""GeoJSON (RFC 7946) FeatureCollections: properties as String columns, the geometry as compact GeoJSON text.

Numbers keep the digits they were written with. Older GIS exports come in GBK, hence the declared encoding.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

import polars as pl

from connectors.contract import Stream
from connectors.errors import ContractViolation, Truncated
from connectors.formats.layout import check_header, codec_of
from connectors.limits import LONGEST_FIELD, RAW_CHARS
from connectors.protocols.base import BadRecord, Page

MAX_FILE_BYTES: Final = 48 << 20
MAX_FEATURE: Final = 3 << 20
"""Characters of one feature: as objects it needs up to fifty times as much."""
MAX_BAD_FEATURES: Final = 50_000
"""With more that cannot be read it is not the agreed file."""
GEOMETRY: Final = "geometry"


class _Number(float):
    """A float that remembers how it was written; json writes it as a number."""

    __slots__ = ("text",)

    text: str

    def __new__(cls, text: str) -> _Number:
        number = super().__new__(cls, text)
        number.text = text
        return number


class GeoJsonFile:
    """A FeatureCollection. A feature that is no Feature object becomes a `BadRecord` ('malformed_json')."""

    def __init__(self, path: Path, stream: Stream, encoding: str, page_rows: int = 50_000) -> None:
        self.path = path
        self.total_rows_dropped = 0
        self._stream = stream
        self._codec = codec_of(encoding)
        self._page_rows = page_rows

    def pages(self) -> Iterator[Page]:
        text, start = self._opened()
        # Read twice: once for all names and all errors, so that nothing of a broken file is taken; once for the pages.
        names: dict[str, None] = {}
        count = bad_count = 0
        for feature in self._features(text, start):
            count += 1
            if _is_feature(feature):
                names |= dict.fromkeys(feature["properties"])
            else:
                bad_count += 1
            if bad_count > MAX_BAD_FEATURES:
                raise ContractViolation(
                    f"{self.path.name} has more than {MAX_BAD_FEATURES:,} features that cannot be read",
                    "Nothing of it is taken; ask the owner for the agreed file",
                )
        if count:
            check_header([*names, GEOMETRY], self._stream, self.path)
        schema = dict.fromkeys([*names, GEOMETRY], pl.String)
        size = self.path.stat().st_size
        numbered = enumerate(self._features(text, start), 1)
        while part := list(islice(numbered, self._page_rows)):
            rows: list[dict[str, str | None]] = []
            bad: list[BadRecord] = []
            for row_no, feature in part:
                reason = _objection(feature)
                row = {} if reason else _row(feature)
                if not reason and len(row[GEOMETRY] or "") > LONGEST_FIELD:
                    reason = "oversized_field"
                if reason:
                    bad.append(BadRecord(row_no, _compact(feature)[:RAW_CHARS], reason))
                else:
                    rows.append(row)
            yield Page(pl.DataFrame(rows, schema=schema), tuple(bad), size)
            size = 0

    def _opened(self) -> tuple[str, int]:
        """The text of the document, and where the first of its features would begin."""
        name, size = self.path.name, self.path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ContractViolation(f"{name} has {size} bytes, more than {MAX_FILE_BYTES}", "Ask the owner what it is")
        try:
            text = self.path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode(self._codec)
        except UnicodeDecodeError as error:
            raise ContractViolation(
                f"{name} is not {self._codec} (byte {error.start})",
                "Ask the owner which encoding is meant and mend `encoding` in the contract",
            ) from None
        with self._explained(text):
            start = _features_at(text)
        if start is None:
            raise ContractViolation(f"{name} is no FeatureCollection", "Ask the owner for GeoJSON (RFC 7946)")
        return text, start

    def _features(self, text: str, start: int) -> Iterator[Any]:
        """The features one by one: a whole document as objects would need fifty times its size."""
        with self._explained(text):
            end = yield from _items(text, start)
            _check_rest(text, end)

    @contextmanager
    def _explained(self, text: str) -> Iterator[None]:
        """Errors of the parser as what they mean for the file."""
        name = self.path.name
        try:
            yield
        except _TooLarge:
            raise ContractViolation(
                f"{name} has a feature of more than {MAX_FEATURE:,} characters", "Ask the owner for simpler geometries"
            ) from None
        except RecursionError:
            raise ContractViolation(f"{name} is nested too deeply", "Ask the owner for plain GeoJSON") from None
        except json.JSONDecodeError as error:
            if not text.rstrip().endswith("}"):
                raise Truncated(f"{name} is cut off", "Ask the owner to send the file again") from None
            raise ContractViolation(
                f"{name} is not valid JSON (line {error.lineno}, column {error.colno})", "Ask the owner to mend it"
            ) from None


_DECODER: Final = json.JSONDecoder(parse_float=_Number)
_BLANKS: Final = re.compile(r"[ \t\r\n]*")


def _skip(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    return match.end() if match else at


def _token(text: str, at: int, *allowed: str) -> tuple[str, int]:
    """The next of the allowed characters and the place behind it; raises JSONDecodeError for another."""
    at = _skip(text, at)
    if text[at : at + 1] not in allowed or at >= len(text):
        raise json.JSONDecodeError(f"Expecting one of {' '.join(allowed)}", text, min(at, len(text)))
    return text[at], at + 1


class _TooLarge(Exception):
    """A value of more than MAX_FEATURE characters."""


class _Window:
    """A piece of the text in which values are decoded, so that no value can be larger than it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._base = 0
        self._piece = ""

    def value(self, at: int) -> tuple[Any, int]:
        """The value that begins at `at` (blanks before it passed over) and the place behind it."""
        at = _skip(self._text, at)
        if self._base <= at < self._base + len(self._piece):
            with suppress(json.JSONDecodeError):
                value, end = _DECODER.raw_decode(self._piece, at - self._base)
                if end < len(self._piece):
                    return value, self._base + end
        self._base, self._piece = at, self._text[at : at + MAX_FEATURE]
        more = at + len(self._piece) < len(self._text)
        try:
            value, end = _DECODER.raw_decode(self._piece)
        except json.JSONDecodeError as error:
            # What ends with the piece is no mistake of the file but goes on beyond it.
            if more and (error.pos > len(self._piece) - 64 or error.msg.startswith("Unterminated")):
                raise _TooLarge from None
            raise json.JSONDecodeError(error.msg, self._text, at + error.pos) from None
        if more and end == len(self._piece):
            raise _TooLarge
        return value, at + end


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Keys of the object whose members begin at `at`, each with the place of its value."""
    if text[_skip(text, at) : _skip(text, at) + 1] == "}":
        return
    window = _Window(text)
    while True:
        key, at = window.value(at)
        _, at = _token(text, at, ":")
        at = _skip(text, at)
        yield str(key), at
        _, at = window.value(at)
        mark, at = _token(text, at, ",", "}")
        if mark == "}":
            return


def _features_at(text: str) -> int | None:
    """Where the array of the document's member `features` begins (behind its bracket), None without one."""
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        _, end = _Window(text).value(at)
        if _skip(text, end) < len(text):
            raise json.JSONDecodeError("Extra data", text, end)
        return None
    for key, place in _members(text, at + 1):
        if key == "features":
            return place + 1 if text[place : place + 1] == "[" else None
    return None


def _items(text: str, at: int) -> Generator[Any, None, int]:
    """The items of the array that begins at `at`; returns the place behind it."""
    if text[_skip(text, at) : _skip(text, at) + 1] == "]":
        return _skip(text, at) + 1
    window = _Window(text)
    while True:
        item, at = window.value(at)
        yield item
        mark, at = _token(text, at, ",", "]")
        if mark == "]":
            return at


def _check_rest(text: str, at: int) -> None:
    """What stands behind the features: further members, the end of the document, nothing more."""
    mark, at = _token(text, at, ",", "}")
    if mark == ",":
        window, end = _Window(text), at
        for _, place in _members(text, at):
            _, end = window.value(place)
        _, at = _token(text, end, "}")
    if _skip(text, at) < len(text):
        raise json.JSONDecodeError("Extra data", text, at)


def _is_feature(feature: Any) -> bool:
    return isinstance(feature, dict) and isinstance(feature.get("properties"), dict)


def _row(feature: Any) -> dict[str, str | None]:
    row = {name: _text(value) for name, value in feature["properties"].items()}
    return row | {GEOMETRY: _text(feature.get(GEOMETRY))}


def _objection(feature: Any) -> str | None:
    if not _is_feature(feature):
        return "malformed_json"
    values = [*feature["properties"].values()]
    if any(isinstance(value, str) and len(value) > LONGEST_FIELD for value in values):
        return "oversized_field"
    return None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, _Number) else _compact(value)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
