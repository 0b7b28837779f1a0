"""A protocol whose upstream is this process's memory: what is measured then is ours alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connectors.protocols.base import Page, Pull

PAGES: list[Page] = []


class MemoryExtraction:
    """Pages that are in memory already: nothing of the upstream is measured."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.complete = True

    def pages(self) -> Iterator[Page]:
        yield from PAGES

    def acknowledge(self) -> None:
        """Nobody waits for it."""


@contextmanager
def open_extraction(pull: Pull) -> Iterator[MemoryExtraction]:
    """See `connectors.protocols.base`."""
    yield MemoryExtraction()
