"""What becomes of memory that is freed: settings of glibc's allocator, for pulls and for runs of resolution.

Memory that goes back to the system and is asked for again costs a fault for each of its pages; what is kept back to
avoid that counts as memory held. Elsewhere than on glibc there are no such settings, and nothing happens.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8

_PULLS: Final = {_ARENA_MAX: 1, _MMAP_THRESHOLD: 4 << 20, _TRIM_THRESHOLD: 8 << 20}
"""glibc has an arena for each thread, and gives back of each what lies on top, if it is more than the largest block
that was ever freed: a pull works in five threads, and holds eighty megabytes less with one arena for all, and less with
large blocks on their own: parts of the versions. Pages as they came are mostly smaller."""
_RUNS: Final = {_MMAP_THRESHOLD: 1 << 28, _TRIM_THRESHOLD: 1 << 30}
"""A run of resolution makes thousands of columns, one after the other and all of the same few sizes; to have each of
them from the system anew took a tenth of its processor seconds."""

_guard = threading.Lock()
_under_way = 0


def prepare() -> None:
    """As pulls have it."""
    for name, value in _PULLS.items():
        _call("mallopt", name, value)


@contextmanager
def kept() -> Iterator[None]:
    """While any run is in it, freed blocks are kept for its next steps; they go back to the system at the end."""
    global _under_way
    with _guard:
        _under_way += 1
        for name, value in _RUNS.items():
            _call("mallopt", name, value)
    try:
        yield
    finally:
        with _guard:
            _under_way -= 1
            if _under_way == 0:
                prepare()
                _call("malloc_trim", 0)


def _call(name: str, *values: int) -> None:
    try:
        function: Callable[..., Any] = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError, TypeError):
        return
    function(*values)
