"""Taking in while the source or the warehouse is away: nothing is lost or lands twice, and the ledger says what became
of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from connectors import intake, landed
from connectors.errors import Permanent, Retriable, Unwell
from connectors.protocols.base import Page
from warehouse import connection, ledger

Rows = Callable[..., Page]


def person(number: int, state: str = "1", minute: int = 0, **rest: str) -> dict[str, str]:
    return {"bh": f"P{number:03d}", "xm": "王伟", "zt": state, "gxsj": f"2026-05-01 08:{minute:02d}:00"} | rest


def kill(hub: Any, only: int | None = None) -> None:
    """End one connection of the hub, or all of them as a server does that goes down."""
    with psycopg.connect(hub.url, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND (pid = %(pid)s OR %(pid)s::int IS NULL)",
            {"pid": only},
        )


def test_trouble_that_passes_is_tried_again_and_every_try_is_on_record(hub: Any, make_page: Rows) -> None:
    hub.upstream.gives(make_page(person(1)), Retriable("reset by peer"))
    hub.upstream.gives(Retriable("503", retry_after=1))
    done = hub.take(make_page(person(1)))
    assert done.landed == 1
    assert [state for state, *_ in hub.loads()] == ["failed", "failed", "committed"]
    assert hub.upstream.acknowledged == 1


def test_a_source_that_asks_for_a_long_pause_is_left_alone(hub: Any) -> None:
    hub.upstream.gives(Retriable("429", "Wait", retry_after=30))
    with pytest.raises(Retriable, match="429"):
        hub.run()
    assert [state for state, *_ in hub.loads()] == ["failed"]


def test_trouble_that_lasts_ends_with_its_message(hub: Any) -> None:
    for _ in range(intake.ATTEMPTS):
        hub.upstream.gives(Retriable("reset by peer", "It passes by itself"))
    with pytest.raises(Retriable, match="reset by peer"):
        hub.run()
    assert [state for state, *_ in hub.loads()] == ["failed"] * intake.ATTEMPTS


def test_a_source_in_trouble_is_asked_once_until_it_answers(hub: Any, make_page: Rows) -> None:
    """The ledger remembers, so another process knows too; the reason stands in the load's error."""
    for _ in range(intake.ATTEMPTS):
        hub.upstream.gives(Retriable("no answer in time", "Ask the owner"))
    with pytest.raises(Retriable):
        hub.run()
    assert [pull.probing for pull in hub.upstream.pulls] == [False] * intake.ATTEMPTS
    with pytest.raises(Unwell, match=r"no answer in time\. Asked only once, because its last 3 loads failed too"):
        hub.take(Retriable("no answer in time", "Ask the owner"))
    assert [state for state, *_ in hub.loads()] == ["failed"] * (intake.ATTEMPTS + 1)
    assert hub.upstream.pulls[-1].probing
    told = hub.ask("SELECT error FROM control.load ORDER BY load_id DESC LIMIT 1")
    assert told == [("no answer in time. Asked only once, because its last 3 loads failed too. Ask the owner",)]
    assert hub.take(make_page(person(1))).landed == 1
    hub.upstream.gives(Retriable("no answer in time"))
    assert hub.take(make_page(person(2))).landed == 1, "well again: all tries are back"
    assert not hub.upstream.pulls[-1].probing


def test_trouble_that_is_not_the_sources_own_costs_it_no_try(hub: Any, make_page: Rows) -> None:
    for _ in range(intake.ATTEMPTS):
        with pytest.raises(Permanent):
            hub.take(Permanent("the password was refused", "Ask for a new one"))
    hub.upstream.gives(Retriable("reset by peer"))
    assert hub.take(make_page(person(1))).landed == 1


@pytest.mark.parametrize("everything", [False, True])
def test_a_connection_killed_before_the_commit_is_tried_again(
    hub: Any, make_page: Rows, monkeypatch: pytest.MonkeyPatch, everything: bool
) -> None:
    killed: list[bool] = []

    def before_commit(conn: psycopg.Connection, *args: Any, **rest: Any) -> None:
        if not killed:
            killed.append(True)
            kill(hub, None if everything else conn.info.backend_pid)
        landed.commit(conn, *args, **rest)

    monkeypatch.setattr(intake, "commit", before_commit)
    hub.upstream.gives(make_page(person(1)))
    done = hub.take(make_page(person(1)))
    assert killed and (done.state, done.landed) == ("committed", 1)
    assert [state for state, *_ in hub.loads()] == ["failed", "committed"]
    assert len(hub.current()) == 1


@pytest.mark.parametrize("everything", [False, True])
def test_a_connection_killed_after_the_commit_is_found_to_be_committed(
    hub: Any, make_page: Rows, monkeypatch: pytest.MonkeyPatch, everything: bool
) -> None:
    killed: list[bool] = []

    def after_commit(conn: psycopg.Connection, *args: Any, **rest: Any) -> None:
        landed.commit(conn, *args, **rest)
        if not killed:
            killed.append(True)
            kill(hub, None if everything else conn.info.backend_pid)
            conn.execute("SELECT 1")  # what the driver sees when the answer to COMMIT is lost

    monkeypatch.setattr(intake, "commit", after_commit)
    hub.upstream.gives(make_page(person(1)))
    hub.upstream.gives(make_page(person(1)))
    assert hub.run().state == "committed"
    if not everything:
        # The source was not told, so it sends the row again.
        assert hub.upstream.acknowledged == 0
        hub.run()
    assert [(state, landed, unchanged) for state, _, landed, unchanged, _ in hub.loads()] == [
        ("committed", 1, 0),
        ("committed", 0, 1),
    ]
    assert hub.upstream.acknowledged == 1
    assert len(hub.current()) == 1


class Outage:
    """A warehouse that ends all connections and accepts none until it was waited for so often."""

    def __init__(self, hub: Any, waits: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hub, self.waits, self.waited, self.happened = hub, waits, 0, False
        monkeypatch.setattr("connectors.outages.time.sleep", self._wait)

    def begin(self) -> None:
        if not self.happened:
            self.happened = True
            self._accept(False)

    def _wait(self, seconds: float) -> None:
        self.waited += 1
        if self.waited == self.waits:
            self._accept(True)

    def _accept(self, open_again: bool) -> None:
        server, _, name = self.hub.url.rpartition("/")
        with psycopg.connect(f"{server}/postgres", autocommit=True) as conn:
            conn.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {open_again}".encode())
            conn.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND NOT %s",
                [name, open_again],
            )


@pytest.mark.parametrize("after_commit", [False, True])
def test_a_warehouse_that_starts_again_is_waited_for_and_asked_what_became_of_the_load(
    hub: Any, make_page: Rows, monkeypatch: pytest.MonkeyPatch, after_commit: bool
) -> None:
    outage = Outage(hub, 3, monkeypatch)

    def commit(conn: psycopg.Connection, *args: Any, **rest: Any) -> None:
        if not after_commit:
            outage.begin()
        landed.commit(conn, *args, **rest)
        if not outage.happened:
            outage.begin()
            conn.execute("SELECT 1")  # what the driver sees when the answer to COMMIT is lost

    monkeypatch.setattr(intake, "commit", commit)
    hub.upstream.gives(make_page(person(1)))
    assert hub.take(make_page(person(1))).state == "committed"
    assert outage.waited >= 3
    first = "committed" if after_commit else "failed"
    assert [state for state, *_ in hub.loads()] == [first, "committed"]
    assert len(hub.current()) == 1


def test_a_warehouse_that_is_away_when_the_pull_begins_is_tried_again(
    hub: Any, make_page: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = Outage(hub, 2, monkeypatch)
    contract, stream = hub.contract, hub.stream
    outage.begin()
    hub.upstream.gives(make_page(person(1)))
    assert intake.run_stream(contract, stream, run_id="test").landed == 1
    assert [state for state, *_ in hub.loads()] == ["committed"]


@pytest.mark.parametrize("step", ["in_trouble", "open_load"])
def test_a_connection_lost_before_the_load_is_open_is_trouble_that_passes(
    hub: Any, make_page: Rows, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    module = ledger if step == "open_load" else intake.load_history
    original, killed = getattr(module, step), []

    def lost(books: psycopg.Connection, *args: Any, **rest: Any) -> Any:
        if not killed:
            killed.append(True)
            kill(hub)
        return original(books, *args, **rest)

    monkeypatch.setattr(module, step, lost)
    assert hub.take(make_page(person(1))).landed == 1
    assert killed and [state for state, *_ in hub.loads()] == ["committed"]


def test_a_source_that_fails_while_the_warehouse_does_leaves_no_load_running(hub: Any, make_page: Rows) -> None:
    hub.upstream.gives(make_page(person(1)), lambda: kill(hub), Retriable("reset by peer"))
    assert hub.take(make_page(person(1))).landed == 1
    assert [state for state, *_ in hub.loads()] == ["failed", "committed"]


def test_a_ledger_that_is_not_as_it_should_be_is_said_and_not_tried_again(hub: Any, make_page: Rows) -> None:
    with psycopg.connect(hub.url) as conn:
        conn.execute("ALTER TABLE control.load RENAME TO gone")
    with pytest.raises(Permanent, match=r"demo\.people: the warehouse refused the load \(SQLSTATE 42P01\)"):
        hub.run()


def test_a_load_that_another_gave_up_as_dead_cannot_commit(hub: Any, make_page: Rows) -> None:
    def give_up() -> None:
        with connection.connect("loader", autocommit=True) as conn:
            load_id = conn.execute("SELECT max(load_id) FROM control.load").fetchone()
            ledger.fail_load(conn, load_id[0], "given up")

    with pytest.raises(Exception, match="is not running any more"):
        hub.take(make_page(person(1)), give_up)
    assert hub.current() == [] and hub.cursor() is None
