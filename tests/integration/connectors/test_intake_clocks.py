"""Whose clock says how far a stream was read, what is newer, and whether the source still speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors import inbox, intake, quarantine
from connectors.protocols.base import Page, Pull
from warehouse import connection

Rows = Callable[..., Page]


def person(number: int, state: str = "1", minute: int = 0, **rest: str) -> dict[str, str]:
    return {"bh": f"P{number:03d}", "xm": "王伟", "zt": state, "gxsj": f"2026-05-01 08:{minute:02d}:00"} | rest


def test_the_next_pull_asks_from_just_before_the_cursor_and_never_goes_back(hub: Any, make_page: Rows) -> None:
    hub.take(make_page(person(1, minute=9)))
    hub.take(make_page(person(1, minute=3)))
    hub.take(make_page())
    since = [pull.since for pull in hub.upstream.pulls]
    assert since[0] is None
    assert [when.isoformat() for when in since[1:]] == ["2026-04-30T23:59:00+00:00"] * 2


def test_a_clock_that_is_fast_over_there_does_not_move_the_cursor_ahead_of_now(hub: Any, make_page: Rows) -> None:
    ahead = datetime.now(ZoneInfo("Asia/Shanghai")) + timedelta(hours=20)
    hub.take(make_page(person(1) | {"gxsj": ahead.strftime("%Y-%m-%d %H:%M:%S")}))
    hub.take(make_page())
    assert hub.upstream.pulls[-1].since <= datetime.now(UTC)


def test_a_clock_that_is_fast_over_there_does_not_freeze_a_record(hub: Any, make_page: Rows) -> None:
    """A version stamped ahead of the pull that brought it is no newer than that pull, also when its time has passed."""

    def at(hours: float, number: int, **rest: str) -> dict[str, str]:
        local = datetime.now(ZoneInfo("Asia/Shanghai")) + timedelta(hours=hours)
        return person(number, **rest) | {"gxsj": local.strftime("%Y-%m-%d %H:%M:%S")}

    def names() -> dict[str, str]:
        return dict(hub.ask("SELECT id, name FROM landing.demo__people WHERE _to_load IS NULL"))

    fast, too = at(20, 1, xm="李快"), at(20, 2, xm="李快")
    hub.take(make_page(fast, too, at(-3, 3, xm="赵新")))
    hub.take(make_page(at(0, 1, xm="王真"), at(-5, 2, xm="周旧"), at(-5, 3, xm="周旧")))
    assert names() == {"P001": "王真", "P002": "李快", "P003": "赵新"}, "what is older than the pull is late as ever"
    assert hub.take(make_page(fast)).unchanged == 1, "it is known"
    assert names()["P001"] == "王真"
    with connection.connect("owner") as conn:
        conn.execute("UPDATE control.load SET started_at = started_at - interval '30 days'")
    with connection.connect("loader") as conn:
        conn.execute("UPDATE landing.demo__people SET changed_at = changed_at - interval '30 days'")
    hub.take(make_page(at(-24 * 29.9, 2, xm="王真")))
    assert names()["P002"] == "王真"


def test_what_was_read_by_another_clock_orders_nothing(hub: Any, make_page: Rows) -> None:
    """The time of change moves eight hours back with its zone: by it the mended rows would be late, and history."""
    zone = "{property: timezone, value: UTC}"
    hub.mend("{property: timezone, value: Asia/Shanghai}", zone)
    hub.take(make_page(person(1), person(2), person(3)))
    hub.mend(zone, "{property: timezone, value: Asia/Shanghai}")
    # What the source does not send again stays; of two versions in one pull the newer stands, whichever comes first.
    hub.upstream.gives(make_page(person(1, "2", minute=7)), make_page(person(1), person(2)))
    assert hub.run().landed == 3
    told = [(row[0], row[2], row[3].astimezone(UTC).strftime("%H:%M")) for row in hub.current()]
    assert told == [("P001", "gone", "00:07"), ("P002", "here", "00:00"), ("P003", "here", "08:00")]
    assert hub.take(make_page(person(1, minute=5))).landed == 1, "and from then on times order as ever"
    assert [row[2] for row in hub.current()] == ["gone", "here", "here"]


def test_fresh_means_that_the_source_spoke(hub: Any, make_page: Rows) -> None:
    """Looking at a file of last year, or replaying held rows, is no sign of life."""

    def state() -> str:
        return str(hub.ask("SELECT state FROM control.input_status WHERE stream = 'people'")[0][0])

    hub.take(make_page(person(1), person(2) | {"gxsj": "2026-02-30 08:00:00"}))
    assert state() == "fresh"
    with connection.connect("owner") as conn:
        conn.execute("UPDATE control.load SET source_time = now() - interval '400 days'")
    assert state() == "aged"
    with connection.connect("loader") as conn:
        quarantine.replay(conn, "demo", by="Li")
    assert state() == "aged"
    hub.take(make_page())
    assert state() == "fresh"


def test_silence_is_never_fresh(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not of a source that never sent a message, nor after its last one was purged, nor when all is read again."""

    @contextmanager
    def pushed(pull: Pull) -> Iterator[inbox.InboxExtraction]:
        with connection.connect("loader", autocommit=True) as conn:
            yield inbox.InboxExtraction(pull, conn)

    def state_after_a_pull() -> str:
        hub.run()
        return str(hub.ask("SELECT state FROM control.input_status WHERE stream = 'people'")[0][0])

    def owner(statement: str) -> None:
        with connection.connect("owner") as conn:
            conn.execute(statement.encode())

    def later() -> None:
        owner("UPDATE inbox.message SET received_at = received_at - interval '400 days'")
        owner("UPDATE control.load SET started_at = started_at - interval '400 days', "
              "source_time = source_time - interval '400 days'")  # fmt: skip

    monkeypatch.setattr(intake, "open_extraction", pushed)
    assert state_after_a_pull() == "fresh", "it begins today"
    later()
    assert state_after_a_pull() == "aged", "not a message ever"
    with connection.connect("loader") as conn:
        inbox.store(conn, hub.stream, [("first", b"{}", {})])
    assert state_after_a_pull() == "fresh"
    later()
    assert state_after_a_pull() == "aged"
    owner("DELETE FROM inbox.message")
    assert state_after_a_pull() == "aged", "its message was purged"
    owner("UPDATE control.cursor SET value = '{\"afresh\": true}'")
    assert state_after_a_pull() == "aged", "everything is asked for again"
