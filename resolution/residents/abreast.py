"""Columns and rules worked through side by side: polars and numpy let go of Python's lock while they work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

One = TypeVar("One")
Found = TypeVar("Found")

AT_ONCE = min(4, os.cpu_count() or 1)
"""More at once would hold more in memory than they save in time."""


def abreast(work: Callable[[One], Found], items: Iterable[One]) -> list[Found]:
    """What `work` makes of each item, in their order; what one raises is raised."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(work, items))
