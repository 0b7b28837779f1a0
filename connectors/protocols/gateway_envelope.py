"""The envelope of the gateway's answers: its code, what it declares of the records, and these as they were sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.errors import ContractViolation, Truncated
from connectors.formats.json_pages import cut_array
from connectors.protocols.gateway_token import OK

SMALL: Final = 1 << 16
"""Bytes of records that wait to be read with others: many such fit into memory whatever they hold."""


@dataclass(frozen=True)
class Sent:
    """The records of an accepted call, unread: as bytes, or parsed where they cannot be cut out of the envelope."""

    records: bytes | list[Any]
    declared: int | None
    """How many there should be; None where the gateway does not say."""
    total: int
    pages: int
    size: int
    """Bytes of the whole answer."""

    def is_plain(self, columns: Sequence[str]) -> bool:
        """Whether it is small and can hold no more records than it declares, each with all of these columns.

        Each record has a brace, and each column of it its name with a colon.
        """
        records = self.records
        if not isinstance(records, bytes) or len(records) > SMALL or records[:1] != b"[" or records[-1:] != b"]":
            return False
        marks = (b"{", *(f'"{column}":'.encode() for column in columns))
        return self.declared == self.total and all(records.count(mark) == self.total for mark in marks)


def opened(body: bytes, where: str) -> tuple[str, Sent | None]:
    """The envelope's code and, for an accepted call, what it holds; nothing is read of a refused one.

    Raises Truncated for what is no whole document, ContractViolation for what is no envelope.
    """
    try:
        envelope, cut = cut_array(body, "datas")
    except ValueError:
        raise Truncated(
            f"{where}: the answer is no whole JSON document", "The next run tries again; if it persists ask the owner"
        ) from None
    if not isinstance(envelope, dict) or "code" not in envelope:
        raise ContractViolation(f"{where}: the answer is no gateway envelope", "Ask the gateway's owner")
    records = _records(envelope.get("datas"), where) if cut is None else cut
    code = str(envelope["code"])
    if code != OK:
        return code, None
    try:
        total = int(envelope["totalDataCount"])
        pages = int(envelope.get("totalPage") or 1)
        declared = int(envelope["dataCount"]) if envelope.get("dataCount") is not None else None
    except (KeyError, TypeError, ValueError):
        raise ContractViolation(f"{where}: the answer declares no counts", "Ask the gateway's owner") from None
    return code, Sent(records, declared, total, pages, len(body))


def _records(sent: Any, where: str) -> bytes | list[Any]:
    """``datas`` comes as a JSON string (encoded twice) or as an array."""
    if isinstance(sent, str):
        return sent.encode("utf-8", "surrogateescape")
    if sent is None or isinstance(sent, list):
        return b"[]" if sent is None else sent
    raise ContractViolation(f"{where}: datas is neither text nor a list", "Ask the gateway's owner")


def put_together(answers: Sequence[Sent]) -> bytes:
    """The records of all these answers as one array, each of which `is_plain`."""
    arrays = (answer.records for answer in answers if answer.declared)
    return b"[" + b",".join(array[1:-1] for array in arrays if isinstance(array, bytes)) + b"]"
