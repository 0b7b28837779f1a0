"""Bytes of a page or a file, looked at block by block.

Each step of numpy over a whole page asks the system for as much memory as the page has, and to be given it costs four
times the step itself. A block's stays with the process, in the processor's cache.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

BLOCK: Final = 1 << 17
REPLACEMENT: Final = "\ufffd".encode()

_SPACE: Final = 0x20
_NO_ASCII: Final = 0x80
# So begin, in UTF-8, the blanks that are not ASCII: U+0085 and U+00A0; U+1680, U+2000 to U+205F, U+3000.
_OF_TWO: Final = 0xC2
_OF_THREE: Final = (0xE1, 0xE2, 0xE3)


def positions(octets: NDArray[np.uint8], wanted: int | np.uint8) -> NDArray[np.int64]:
    """Where the byte stands."""
    parts = [np.flatnonzero(octets[at : at + BLOCK] == wanted) + at for at in range(0, len(octets), BLOCK)]
    return np.concatenate(parts).astype(np.int64, copy=False) if parts else np.empty(0, dtype=np.int64)


def may_begin_blank(octets: NDArray[np.uint8], starts: NDArray[np.int64]) -> bool:
    """Whether any of the texts (UTF-8, none of them empty) may begin with a blank; False is certain."""
    first = octets[starts]
    return bool(first.min() <= _SPACE) or (bool(first.max() >= _NO_ASCII) and like_blanks(first, first))


def may_end_blank(octets: NDArray[np.uint8], ends: NDArray[np.int64]) -> bool:
    """Whether any may end with one."""
    last = octets[ends - 1]
    if last.min() <= _SPACE:
        return True
    ends = ends[last >= _NO_ASCII]
    return like_blanks(octets[np.maximum(ends - 3, 0)], octets[ends - 2])


def like_blanks(of_three: NDArray[np.uint8], of_two: NDArray[np.uint8]) -> bool:
    """Whether any of these bytes, of UTF-8, may begin a blank of three or of two bytes."""
    return bool(((of_three >= _OF_THREE[0]) & (of_three <= _OF_THREE[-1])).any() or (of_two == _OF_TWO).any())
