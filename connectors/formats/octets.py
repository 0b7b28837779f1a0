"""Bytes of a page or a file, looked at block by block.

Each step of numpy over a whole page asks the system for as much memory as the page has, and to be given it costs four
times the step itself. A block's stays with the process, in the processor's cache.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

BLOCK: Final = 1 << 17


def positions(octets: NDArray[np.uint8], wanted: int | np.uint8) -> NDArray[np.int64]:
    """Where the byte stands."""
    parts = [np.flatnonzero(octets[at : at + BLOCK] == wanted) + at for at in range(0, len(octets), BLOCK)]
    return np.concatenate(parts).astype(np.int64, copy=False) if parts else np.empty(0, dtype=np.int64)
