"""All pages of a source that may move while they are read: the one loop of every interface that pages.

Rows are inserted, deleted or put at the end because they changed. So what was read is held against what the source
declares, and read again until both agree; rows that come twice pass on, because landing knows them by key, but a gap
is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from connectors.contract import Stream
from connectors.errors import Retriable
from connectors.protocols.base import Page, Pull
from connectors.protocols.reconcile import Round

ROUNDS: Final = 3
"""How often a moving source is read before a gap is reported."""


@dataclass(frozen=True)
class Answer:
    """One page, and what the source declares of the whole with it: its rows and its pages."""

    page: Page
    total: int
    pages: int


def all_pages(stream: Stream, ask: Callable[[int], Answer]) -> Iterator[Page]:
    """Every page that has something in it; `ask` gives the page of a number, from 1.

    Raises Retriable when the source moved in every round.
    """
    previous: Round | None = None
    for _ in range(ROUNDS):
        current = Round([column.physical_name for column in stream.primary_key])
        yield from _round(current, ask)
        if current.consistent or current.confirms(previous):
            return
        previous = current
    raise Retriable(
        f"{stream.system}.{stream.name}: pages moved while they were read: {previous}",
        "The source changes faster than it can be paged; the next run tries again, or ask for a larger page size",
    )


def _round(current: Round, ask: Callable[[int], Answer]) -> Iterator[Page]:
    """Every page once, the last one by the newest declaration."""
    number = pages = 1
    while number <= pages:
        answer = ask(number)
        pages = answer.pages
        current.add(answer.page, answer.total)
        if answer.page.rows or answer.page.bad:
            yield answer.page
        number += 1


def changed_since(pull: Pull) -> str | None:
    """The time of the source from which on changes are asked for ('YYYY-MM-DD HH:MM:SS'), None for everything."""
    if pull.since is None or pull.stream.load == "snapshot":
        return None
    return f"{pull.since.astimezone(pull.server.timezone):%Y-%m-%d %H:%M:%S}"


def refuse_empty(where: str, page: Page, number: int, first_row: int, total: int) -> None:
    """Raise Retriable for a page without rows although the source declares more than stand before it."""
    if not page.rows and not page.bad and total > first_row:
        raise Retriable(
            f"{where}: page {number} stays empty although {total} rows are declared",
            "The source is not ready; the next run tries again",
        )
