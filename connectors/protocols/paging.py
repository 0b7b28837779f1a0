"""All pages of a source that may move while they are read: the one loop of every interface that pages.

Rows are inserted, deleted or put at the end because they changed. So what was read is held against what the source
declares, and read again until both agree; rows that come twice pass on, because landing knows them by key, but a gap
is an error. Counts alone do not show every gap: a row deleted from a page that was read moves another one onto it, and
a row that came at the end makes up for it in the count. Where that can have happened one more reading must agree: of
changes when others came meanwhile, of a snapshot before absence is taken for deletion. What the first one missed is on
a page of the second, and only pages that were not there before are passed on.
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


class Reading:
    """The reading of one pull; `ask` gives the page of a number, from 1."""

    def __init__(self, pull: Pull, ask: Callable[[int], Answer]) -> None:
        self._pull, self._ask = pull, ask
        self._key = [column.physical_name for column in pull.stream.primary_key]
        self._rounds, self._agreed = 0, 0
        self._previous: Round | None = None
        self._passed = set[tuple[object, ...]]()

    def pages(self) -> Iterator[Page]:
        """Every page that has something in it, until all that is declared was read.

        Of changes every one that comes bears its time: only when one is as new as the reading a second one must agree.
        Raises Retriable when the source moved in every round.
        """
        yield from self._read(1)

    def again(self) -> Iterator[Page]:
        """Of a snapshot, what a second reading has and the first had not; nothing where no row can have hidden."""
        yield from self._read(2)

    def _read(self, wanted: int) -> Iterator[Page]:
        while self._agreed < wanted:
            self._rounds += 1
            if self._rounds > ROUNDS:
                where = f"{self._pull.stream.system}.{self._pull.stream.name}"
                raise Retriable(
                    f"{where}: pages moved while they were read: {self._previous}",
                    "The source changes faster than it can be paged; the next run tries again, or ask for a larger "
                    "page size",
                )
            current, began, one_page, hidden = Round(self._key), datetime.now(UTC) - SLOW_CLOCK, True, False
            for answer in _round(current, self._ask):
                page = answer.page
                one_page = one_page and answer.pages <= 1
                hidden = hidden or not (one_page or _older(self._pull, page, began))
                if (page.rows or page.bad) and (what := (current.newest, page.bad)) not in self._passed:
                    self._passed.add(what)
                    yield page
            if hidden:
                wanted = 2
            if current.consistent:
                self._agreed += 2 if one_page else 1
            elif current.confirms(self._previous):
                self._agreed = 2
            self._previous = current


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
    """Whether all changes of a page are older. A snapshot is read `again` where it matters."""
    cursor = pull.stream.cursor
    if pull.stream.load == "snapshot" or page.frame.is_empty():
        return True
    if cursor is None:
        return False
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
