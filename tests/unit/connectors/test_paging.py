"""A source that moves while its pages are read: no row is missed whose loss could be seen by reading once more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from connectors.contract import Column, Server, Stream
from connectors.errors import Retriable
from connectors.protocols.base import Page, Pull
from connectors.protocols.paging import Answer, Reading

SIZE = 10
KEY = Column("id", "bh", "string", "L1", primary_key=True, required=True)
CHANGED = Column("updated_at", "gxsj", "timestamp", "L1", required=True)
OLD = "2026-06-01 08:00:00"
SERVER = Server("any", {"protocol": "gateway", "timezone": "Asia/Shanghai"})


class Source:
    """Records by key, with their time of change, in the order in which they came."""

    def __init__(self, rows: int) -> None:
        self.rows = {str(number): OLD for number in range(1, rows + 1)}
        self.calls: list[int] = []
        self._names = count(rows + 1)

    def page(self, number: int) -> Answer:
        self.calls.append(number)
        part = list(self.rows.items())[(number - 1) * SIZE : number * SIZE]
        frame = pl.DataFrame(part, schema={"bh": pl.String, "gxsj": pl.String}, orient="row")
        return Answer(Page(frame), len(self.rows), -(-len(self.rows) // SIZE))

    def append(self, changed: datetime | None = None) -> None:
        local = (changed or datetime.now(UTC)).astimezone(ZoneInfo("Asia/Shanghai"))
        self.rows[str(next(self._names))] = f"{local:%Y-%m-%d %H:%M:%S}"


def pull(load: str) -> Pull:
    changes = load == "changes"
    return Pull(Stream("s", "t", "t", load, (KEY, CHANGED), cursor=CHANGED if changes else None), SERVER)


def read(
    source: Source, load: str, moves: Callable[[int], None] = lambda call: None, *, again: bool = True
) -> list[str]:
    """The keys that were read; `moves` is told the number of each call, from 1, before it is answered.

    `again`: records of a snapshot were missed.
    """

    def ask(number: int) -> Answer:
        moves(len(source.calls) + 1)
        return source.page(number)

    reading = Reading(pull(load), ask)
    pages = [*reading.pages(), *(reading.again() if again and load == "snapshot" else [])]
    return [key for page in pages for key in page.frame["bh"]]


@pytest.mark.parametrize("load", ["snapshot", "changes"])
@pytest.mark.parametrize("appended", [0, 1, 2])
def test_a_row_deleted_from_a_page_that_was_read_hides_no_other(load: str, appended: int) -> None:
    source = Source(30)

    def moves(call: int) -> None:
        if call == 2:
            del source.rows["3"]
            for _ in range(appended):
                source.append()

    got = read(source, load, moves)
    assert set(source.rows) <= set(got), "11 moved to the page that was read already"


def test_a_snapshot_of_several_pages_is_read_twice_where_records_are_missed_and_gives_each_page_once() -> None:
    source = Source(30)
    assert len(read(source, "snapshot", again=False)) == 30
    assert source.calls == [1, 2, 3]
    source.calls.clear()
    assert len(read(source, "snapshot")) == 30
    assert source.calls == [1, 2, 3, 1, 2, 3]


@pytest.mark.parametrize(("load", "rows"), [("snapshot", 10), ("changes", 10), ("changes", 30)])
def test_what_cannot_have_moved_unseen_is_read_once(load: str, rows: int) -> None:
    source = Source(rows)
    assert len(read(source, load)) == rows
    assert len(source.calls) == rows // SIZE


def test_changes_are_read_again_only_where_something_came_while_they_were_read() -> None:
    source = Source(29)
    source.append(datetime.now(UTC) - timedelta(hours=1))
    assert len(read(source, "changes")) == 30
    assert source.calls == [1, 2, 3]
    source = Source(29)
    source.append()
    assert len(read(source, "changes")) == 30
    assert source.calls == [1, 2, 3, 1, 2, 3]


def test_rows_that_keep_coming_are_no_gap() -> None:
    source = Source(30)
    got = read(source, "changes", lambda call: source.append())
    assert {str(number) for number in range(1, 31)} <= set(got)
    assert len(source.calls) <= 10


def test_a_source_that_loses_rows_all_the_time_is_an_error() -> None:
    source = Source(60)
    with pytest.raises(Retriable, match="pages moved"):
        read(source, "snapshot", lambda call: source.rows.pop(next(iter(source.rows))) and None)
