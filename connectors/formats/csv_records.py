"""Where the records of a CSV block begin and end, and how many fields each has, from the bytes alone.

RFC 4180 quoting. Reading the structure before decoding makes one bad byte cost one line and not the file; numpy
does it for a block of megabytes at once. Blocks with stray quotes (`5" pipe`) go through a slower, forgiving scan.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from connectors.formats.octets import positions

LINE_FEED: Final = 10
RETURN: Final = 13
QUOTE: Final = 34
COMMA: Final = 44

# Possessive, so that hostile quotes cost linear time. A quote that does not close before a separator is text.
_FIELD: Final = rb'(?:"(?:[^"]++|"")*+"(?=,|\r?\n|\Z)|[^,\n]*+)'
_RECORD: Final = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*+(?:\r?\n|\Z)")
_ONE_FIELD: Final = re.compile(_FIELD + rb"(?:,|\r?\n|\Z)")


@dataclass(frozen=True)
class Records:
    """Records of a block: byte ranges `[starts, ends)` with the line end inside, and field counts."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    fields: NDArray[np.int64]
    orderly: bool
    """Whether quotes stand only where RFC 4180 puts them, so that any CSV parser reads the same."""

    def __len__(self) -> int:
        return len(self.starts)


def split(block: bytes, *, forgiving: bool = False) -> Records:
    """The complete records of `block`; bytes after the last line end outside quotes belong to none.

    With `forgiving` (no more bytes will come, or a quote seems never to close) stray quotes are taken as text.
    """
    octets = np.frombuffer(block, dtype=np.uint8)
    lines = positions(octets, LINE_FEED)
    commas = positions(octets, COMMA)
    if b'"' in block:
        quotes = positions(octets, QUOTE)
        if forgiving or not _orderly(octets, quotes):
            return _scan(block)
        # A position is outside quotes when an even number of quotes stand before it.
        lines = lines[np.searchsorted(quotes, lines) % 2 == 0]
        commas = commas[np.searchsorted(quotes, commas) % 2 == 0]
    ends = lines + 1
    starts = np.concatenate([np.zeros(min(1, len(ends)), np.int64), ends[:-1]])
    before = np.searchsorted(commas, ends)
    fields = np.diff(before, prepend=0) + 1
    return Records(starts, ends, fields.astype(np.int64), True)


def _orderly(octets: NDArray[np.uint8], quotes: NDArray[np.int64]) -> bool:
    """Opening quotes follow a separator (or a quote: `""`), closing ones precede a separator, a quote or the end."""
    opening, closing = quotes[0::2], quotes[1::2]
    before = octets[opening[opening > 0] - 1]
    after = octets[closing[closing < len(octets) - 1] + 1]
    return bool(
        np.isin(before, (COMMA, LINE_FEED, QUOTE)).all() and np.isin(after, (COMMA, LINE_FEED, RETURN, QUOTE)).all()
    )


def _scan(block: bytes) -> Records:
    # Arrays, because a block of nothing but short lines would make gigabytes of lists.
    starts, ends, fields = array("q"), array("q"), array("q")
    position, size = 0, len(block)
    while position < size:
        match = _RECORD.match(block, position)
        if match is None or not match.group().endswith(b"\n"):
            break
        starts.append(position)
        fields.append(len(cells(match.group())))
        position = match.end()
        ends.append(position)
    return Records(np.array(starts, np.int64), np.array(ends, np.int64), np.array(fields, np.int64), False)


def cells(record: bytes) -> list[bytes]:
    """The fields of one record, unquoted where they were quoted."""
    found: list[bytes] = []
    position = 0
    while match := _ONE_FIELD.match(record, position):
        token = match.group()
        field = token.removesuffix(b",") if token.endswith(b",") else token.rstrip(b"\r\n")
        quoted = len(field) > 1 and field.startswith(b'"') and field.endswith(b'"')
        found.append(field[1:-1].replace(b'""', b'"') if quoted else field)
        position = match.end()
        if not token.endswith(b","):
            break
    return found
