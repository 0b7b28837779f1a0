"""All pages of a source that may move while they are read: the one loop of every interface that pages.

Rows are inserted, deleted or put at the end because they changed. So what was read is held against what the source
declares, and read again until both agree; rows that come twice pass on, because landing knows them by key, but a gap
is an error. Counts alone do not show every gap: a row deleted from a page that was read moves another one onto it, and
a row that came at the end makes up for it in the count. Where that can have happened one more reading must agree:
what the first one missed is on a page of the second, and only pages that were not there before are passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from connectors.errors import Retriable
from connectors.limits import SLOW_CLOCK
from connectors.protocols.base import Page, Pull
from connectors.protocols.reconcile import Round
from connectors.rules import judge

ROUNDS: Final = 4
"""How often a moving source is read before a gap is reported."""


@dataclass(frozen=True)
class Answer:
    """One page, and what the source declares of the whole with it: its rows and its pages."""

    page: Page
    total: int
    pages: int


def all_pages(pull: Pull, ask: Callable[[int], Answer]) -> Iterator[Page]:
    """Every page that has something in it; `ask` gives the page of a number, from 1.

    A snapshot of several pages is read twice, for absence means deletion there. Of changes every one that comes bears
    its time: they are read twice only when one is as new as the reading. Raises Retriable when the source moved in
    every round.
    """
    stream = pull.stream
    previous: Round | None = None
    agreed, passed = 0, set()
    for _ in range(ROUNDS):
        current = Round([column.physical_name for column in stream.primary_key])
        began, still = datetime.now(UTC) - SLOW_CLOCK, True
        for answer in _round(current, ask):
            page = answer.page
            still = still and (answer.pages == 1 or _older(pull, page, began))
            if (page.rows or page.bad) and (what := (current.newest, page.bad)) not in passed:
                passed.add(what)
                yield page
        agreed += current.consistent
        if current.confirms(previous) or (current.consistent and (still or agreed > 1)):
            return
        previous = current
    raise Retriable(
        f"{stream.system}.{stream.name}: pages moved while they were read: {previous}",
        "The source changes faster than it can be paged; the next run tries again, or ask for a larger page size",
    )


def _round(current: Round, ask: Callable[[int], Answer]) -> Iterator[Answer]:
    """Every page once, the last one by the newest declaration."""
    number = pages = 1
    while number <= pages:
        answer = ask(number)
        pages = answer.pages
        current.add(answer.page, answer.total)
        yield answer
        number += 1


def _older(pull: Pull, page: Page, moment: datetime) -> bool:
    """Whether all changes of a page are older; of a snapshot nobody knows."""
    cursor = pull.stream.cursor
    if cursor is None or pull.stream.load == "snapshot":
        return False
    if page.frame.is_empty():
        return True
    texts = page.frame[cursor.physical_name].str.strip_chars().replace("", None)
    newest = judge(texts, cursor, pull.server.timezone).values.max()
    return not isinstance(newest, datetime) or newest < moment


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
