"""Messages → pages: what queues, topics and webhooks deliver, one JSON object or an array of them a message."""

from __future__ import annotations

from typing import Final

import orjson
import polars as pl

from connectors.contract import Stream
from connectors.errors import ContractViolation
from connectors.formats.json_pages import read_records
from connectors.limits import JSON_RAW_CHARS
from connectors.protocols.base import BadRecord, Page

FEW_ROWS: Final = 100
"""In fewer rows than this an absent required field is a fault of the messages, in more one of the agreement."""


class MessageBatch:
    """Messages put together to one page; a message that is no JSON object becomes a bad record of it."""

    def __init__(self, stream: Stream, first_row: int) -> None:
        self._stream = stream
        self._first_row = first_row
        self._pieces: list[tuple[bytes, int]] = []
        """Members of an array, and how many."""
        self._bad: list[BadRecord] = []
        self.records = 0
        self.size = 0
        """Bytes of all messages."""

    def add(self, payload: bytes) -> None:
        """Take one message as received."""
        self.size += len(payload)
        piece, count = _members(payload)
        if piece is None:
            self.refuse(payload, "malformed_json" if _is_text(payload) else "undecodable_text")
            return
        if count:
            self._pieces.append((piece, count))
        self.records += count

    def refuse(self, payload: bytes, reason: str) -> None:
        """Take one message that is not to be read, for a reason of `connectors.reasons`."""
        self._bad.append(BadRecord(self._first_row + self.records, _raw(payload), reason))
        self.records += 1

    def page(self) -> Page:
        """All messages as one page; a field that none of them holds is null."""
        frame, bad = self._read(self._pieces, self._first_row)
        return Page(frame, (*bad, *self._bad), self.size)

    def _read(self, pieces: list[tuple[bytes, int]], first_row: int) -> tuple[pl.DataFrame, tuple[BadRecord, ...]]:
        """The messages as rows. One that no page can hold (too deep, too many fields) is set apart from the others.

        A queue gives again what is not taken from it: refused whole, a page would stand in the way for ever.
        """
        where, count = f"{self._stream.system}.{self._stream.name}", sum(records for _, records in pieces)
        try:
            page = read_records(b"[" + b",".join(text for text, _ in pieces) + b"]", where, first_row)
        except ContractViolation:
            if len(pieces) == 1:
                self.records -= count - 1
                bad = BadRecord(first_row, _raw(pieces[0][0]), "malformed_json")
                return _with_absent_fields(pl.DataFrame(), 0, self._stream), (bad,)
            half = len(pieces) // 2
            frame, bads = self._read(pieces[:half], first_row)
            more, worse = self._read(pieces[half:], first_row + sum(records for _, records in pieces[:half]))
            return pl.concat([frame, more], how="diagonal"), bads + worse
        return _with_absent_fields(page.frame, count - len(page.bad), self._stream), page.bad


def _members(payload: bytes) -> tuple[bytes | None, int]:
    """The objects of a message as JSON text to stand in an array, and their number; (None, 1) for other content."""
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None, 1
    if isinstance(value, dict):
        return payload.strip(), 1
    if isinstance(value, list):
        return payload.strip()[1:-1], len(value)
    return None, 1


def _is_text(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _raw(payload: bytes) -> str:
    return payload[: JSON_RAW_CHARS * 4].decode("utf-8", "backslashreplace").replace("\x00", "\\x00")[:JSON_RAW_CHARS]


def _with_absent_fields(frame: pl.DataFrame, rows: int, stream: Stream) -> pl.DataFrame:
    """A field that no message of the page holds is null: a message may leave out what it has nothing to say on."""
    absent = [
        pl.Series(column.physical_name, [None] * rows, dtype=pl.String)
        for column in stream.columns
        if column.physical_name not in frame.columns and (rows < FEW_ROWS or not column.required)
    ]
    # A frame of records without any field has no rows: theirs are the nulls alone.
    return frame.with_columns(absent) if frame.width else pl.DataFrame(absent)
