"""What a run frees serves its next step, and goes back to the system when the run is over.

The hub sets glibc to give each large block back at once (`connectors`), which suits a pull: pages come and go. A run of
resolution makes thousands of columns, one after the other and all of the same few sizes; to have each of them from the
system anew, page by page, took a tenth of its processor seconds.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT = {_M_MMAP_THRESHOLD: 1 << 28, _M_TRIM_THRESHOLD: 1 << 30}
_AS_EVER = {_M_MMAP_THRESHOLD: 1 << 20, _M_TRIM_THRESHOLD: 2 << 20}
"""As `connectors` sets them when it is loaded; glibc does not tell what is set."""

_LOCK = threading.Lock()
_RUNS = 0


@contextmanager
def kept() -> Iterator[None]:
    """While any run is in it, freed blocks are kept for the next ones. Nothing happens but on glibc."""
    global _RUNS
    with _LOCK:
        _RUNS += 1
        _set(_KEPT)
    try:
        yield
    finally:
        with _LOCK:
            _RUNS -= 1
            if _RUNS == 0:
                _set(_AS_EVER)
                _call("malloc_trim", 0)


def _set(values: dict[int, int]) -> None:
    for name, value in values.items():
        _call("mallopt", name, value)


def _call(name: str, *values: int) -> None:
    """A function of glibc's; of another system's library there is none of this name."""
    try:
        function: Callable[..., Any] = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError, TypeError):
        return
    function(*values)
