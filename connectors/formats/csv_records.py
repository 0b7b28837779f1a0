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

from connectors.formats.octets import like_blanks, positions

LINE_FEED: Final = 10
RETURN: Final = 13
QUOTE: Final = 34
COMMA: Final = 44
SPACE: Final = 32
_NO_ASCII: Final = 0x80
_FOUR_BYTES, _BLANK = 0x81, 0xA1

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
    tight: bool = False
    """Whether it is certain that no field begins or ends with a blank; there are no quotes then."""

    def __len__(self) -> int:
        return len(self.starts)


def split(block: bytes, *, forgiving: bool = False, codec: str = "") -> Records:
    """The complete records of `block`; bytes after the last line end outside quotes belong to none.

    With `forgiving` (no more bytes will come, or a quote seems never to close) stray quotes are taken as text. Whether
    fields are tight can be told of some `codec`s.
    """
    octets = np.frombuffer(block, dtype=np.uint8)
    lines = positions(octets, LINE_FEED)
    commas = positions(octets, COMMA)
    tight = False
    if b'"' not in block:
        tight = len(lines) > 0 and _is_tight(octets, commas, lines, codec)
    else:
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
    return Records(starts, ends, fields.astype(np.int64), True, tight)


def _is_tight(octets: NDArray[np.uint8], commas: NDArray[np.int64], lines: NDArray[np.int64], codec: str) -> bool:
    """Whether no field of the complete records begins or ends with a blank, as far as a few bytes of each can tell."""
    commas = commas[: np.searchsorted(commas, lines[-1])]
    firsts = np.concatenate([[0], commas + 1, lines[:-1] + 1])
    ends = np.concatenate([commas, lines - (octets[lines - 1] == RETURN)])
    first, last = octets[firsts], octets[ends - 1]
    # An empty field begins with the end of its line, or ends where the line before it ended.
    low = firsts[(first <= SPACE) & (first != LINE_FEED)]
    if not ((octets[low] == RETURN) & (octets[low + 1] == LINE_FEED)).all():
        return False
    if ((last <= SPACE) & (last != LINE_FEED)).any():
        return False
    if codec == "gb18030":
        # All its blanks that are not ASCII have four bytes, the first of them 81, but U+3000, which is A1 A1.
        begins = (first == _FOUR_BYTES) | (first == _BLANK)
        stops = (last == _BLANK) & (octets[ends - 2] == _BLANK)
        return not (begins.any() or stops.any() or (octets[np.maximum(ends - 4, 0)] == _FOUR_BYTES).any())
    return codec == "utf-8" and not like_blanks(first, first) and not _ends_blank(octets, ends[last >= _NO_ASCII])


def _ends_blank(octets: NDArray[np.uint8], ends: NDArray[np.int64]) -> bool:
    return like_blanks(octets[np.maximum(ends - 3, 0)], octets[np.maximum(ends - 2, 0)])


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
