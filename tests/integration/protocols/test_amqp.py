"""The AMQP connector: against the town's broker and, where one is reachable, against RabbitMQ.

What both brokers must do alike is one test, run twice; the rest is the town's broker alone.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connectors.contract import Server
from connectors.errors import Permanent, Retriable
from connectors.protocols import amqp, open_extraction
from connectors.protocols.base import Pull
from connectors.tables import ensure_tables
from tests.integration.protocols.conftest import SYSTEM, QueueTown, ids, take, topics
from warehouse import connection

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def hub(queue_town: QueueTown, fresh_database: str) -> Callable[[str], list[Any]]:
    """A warehouse with the stream's table; gives the rows of a query."""
    with connection.connect("loader") as conn:
        ensure_tables(conn, {SYSTEM: queue_town.contract})

    def ask(query: str) -> list[Any]:
        with psycopg.connect(fresh_database) as conn:
            return conn.execute(query.encode()).fetchall()

    return ask


def test_what_waits_comes_once_in_order_and_is_gone(queue_town: QueueTown) -> None:
    queue_town.publish(*topics(0, 300))
    assert ids(take(queue_town.pull(page_rows=100))) == list(range(300))
    assert queue_town.settled(0) and take(queue_town.pull()) == []
    queue_town.publish(*topics(300, 5))
    assert ids(take(queue_town.pull())) == [300, 301, 302, 303, 304]


def test_what_is_not_acknowledged_comes_again(queue_town: QueueTown) -> None:
    queue_town.publish(*topics(0, 50))
    assert ids(take(queue_town.pull(), acknowledge=False)) == list(range(50))
    assert queue_town.settled(50)
    assert ids(take(queue_town.pull())) == list(range(50))
    assert queue_town.settled(0)


def test_ten_thousand_messages_through_several_windows(queue_town: QueueTown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amqp, "PREFETCH", 3_000)
    queue_town.publish(*topics(0, 10_000))
    assert ids(take(queue_town.pull(), acknowledge=False)) == list(range(10_000))
    assert ids(take(queue_town.pull(page_rows=4_000))) == list(range(10_000))
    assert queue_town.settled(0)


def test_a_pull_takes_no_more_than_its_limit(queue_town: QueueTown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amqp, "MAX_MESSAGES", 70)
    queue_town.publish(*topics(0, 100))
    assert ids(take(queue_town.pull())) == list(range(70))
    assert queue_town.settled(30)
    assert ids(take(queue_town.pull())) == list(range(70, 100))


def test_ten_thousand_messages_land_once(queue_town: QueueTown, hub: Callable[[str], list[Any]]) -> None:
    queue_town.publish(*topics(0, 10_000), *topics(0, 10))
    result = queue_town.run()
    assert (result.rows_in, result.landed, result.unchanged) == (10_010, 10_000, 10)
    assert queue_town.settled(0)
    assert hub("SELECT count(*), count(DISTINCT topic_id) FROM landing.opinion_watch__topics") == [(10_000, 10_000)]


def test_poison_goes_to_quarantine_and_blocks_nothing(queue_town: QueueTown, hub: Callable[[str], list[Any]]) -> None:
    gb18030 = '{"id":"T7","rd":1,"sj":"2026-06-01 08:00:00","bt":"舆情"}'.encode("gb18030")
    huge = b'{"id":"T8","x":"' + b"y" * (2 << 20) + b'"}'
    queue_town.publish(b"", b"7", b'{"id":', gb18030, huge, b"\x00\xff", b'{"id":"T9"}', *topics(0, 2))
    result = queue_town.run()
    assert (result.rows_in, result.landed, result.quarantined) == (9, 2, 7)
    held = hub("SELECT reasons, length(payload_text) FROM quarantine.row")
    assert Counter(reason for reasons, _ in held for reason in reasons) == {
        "malformed_json": 3,
        "undecodable_text": 2,
        "oversized_field": 1,
        "seen_at:missing_required": 1,
    }
    assert max(length for _, length in held) <= 2_000
    assert queue_town.settled(0), "poison is acknowledged with the rest"


@pytest.mark.parametrize("point", ["intake.before_commit", "intake.before_acknowledge"])
def test_a_kill_before_the_acknowledgement_loses_and_doubles_nothing(
    queue_town: QueueTown, hub: Callable[[str], list[Any]], point: str
) -> None:
    queue_town.publish(*topics(0, 500), b"poison")
    work = "from connectors.contract_folder import load_contracts as l; from connectors.intake import run_stream; "
    work += f"c = l()['{SYSTEM}']; run_stream(c, c.streams['topics'], run_id='killed')"
    killed = subprocess.run(
        [sys.executable, "-c", work],
        env=os.environ | {"TOWNHUB_CRASH_POINT": point, "PYTHONPATH": str(REPOSITORY)},
        cwd=REPOSITORY,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
    committed = point == "intake.before_acknowledge"
    assert hub("SELECT count(*) FROM landing.opinion_watch__topics") == [(500 if committed else 0,)]
    assert queue_town.settled(501), "the broker has all of them again"
    result = queue_town.run()
    assert (result.rows_in, result.landed, result.unchanged) == ((501, 0, 500) if committed else (501, 500, 0))
    assert hub("SELECT count(*) FROM landing.opinion_watch__topics") == [(500,)]
    assert hub("SELECT count(*) FROM quarantine.row") == [(1,)]
    assert queue_town.settled(0)


def test_heartbeats_are_answered_while_rows_are_landed(queue_town: QueueTown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amqp, "HEARTBEAT_SECONDS", 1)
    queue_town.publish(*topics(0, 10))
    with open_extraction(queue_town.pull()) as extraction:
        assert ids(list(extraction.pages())) == list(range(10))
        time.sleep(5)
        extraction.acknowledge()
    assert queue_town.settled(0)


def test_a_connection_lost_before_the_acknowledgement_is_worth_another_try(
    ours: QueueTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours.publish(*topics(0, 10))
    with open_extraction(ours.pull()) as extraction:
        list(extraction.pages())
        ours.faults.set(SYSTEM, "dead")
        time.sleep(0.2)
        with pytest.raises(Retriable, match="failed"):
            extraction.acknowledge()
    ours.faults.clear()
    assert ids(take(ours.pull())) == list(range(10))


def test_refusals_are_permanent_and_say_what_to_do(queue_town: QueueTown, monkeypatch: pytest.MonkeyPatch) -> None:
    user, _, at = queue_town.url.removeprefix("amqp://").partition("@")
    name = user.partition(":")[0]
    for url, match in (
        (f"amqp://{name}:wrong@{at}", "refuses us.*valid credentials"),
        (f"amqp://{user}@{at}no-such-vhost", "refuses us.*virtual host"),
        ("http://127.0.0.1", "no AMQP address.*amqp://user"),
        ("amqp://127.0.0.1", "no AMQP address"),
    ):
        monkeypatch.setenv("OPINION_WATCH_URL", url)
        with pytest.raises(Permanent, match=match) as raised:
            take(queue_town.pull())
        assert "wrong" not in str(raised.value)
    monkeypatch.setenv("OPINION_WATCH_URL", queue_town.url)
    path = queue_town.folder / "opinion_watch.odcs.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(queue_town.queue, "no-such-queue"), encoding="utf-8")
    with pytest.raises(Permanent, match=r"no queue no-such-queue.*Ask the owner"):
        take(queue_town.pull())


@pytest.mark.external
def test_a_queue_deleted_under_us_is_permanent(rabbitmq: QueueTown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amqp, "QUIET_SECONDS", 5)

    def delete() -> None:
        with rabbitmq.channel() as channel:
            channel.queue_delete(rabbitmq.queue)

    threading.Timer(0.5, delete).start()
    with pytest.raises(Permanent, match="ended our subscription"):
        take(rabbitmq.pull())


def test_silent_brokers_are_worth_another_try(queue_town: QueueTown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amqp, "ANSWER_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OPINION_WATCH_URL", f"amqp://hub:x@127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Retriable, match="failed"):
            take(queue_town.pull())
    with pytest.raises(Retriable, match="failed"):
        take(queue_town.pull())


@pytest.mark.parametrize(
    ("fault", "params", "error"),
    [
        ("dead", {}, Retriable),
        ("timeout", {"seconds": 30}, Retriable),
        ("reset", {"times": 1}, Retriable),
        ("bad_signature", {}, Permanent),
    ],
)
def test_faults_of_the_wire(
    ours: QueueTown, monkeypatch: pytest.MonkeyPatch, fault: str, params: dict[str, Any], error: type[Exception]
) -> None:
    monkeypatch.setattr(amqp, "ANSWER_SECONDS", 1.0)
    ours.publish(*topics(0, 2_000))
    ours.faults.set(SYSTEM, fault, **params)
    with pytest.raises(error):
        take(ours.pull())
    ours.faults.clear()
    assert ids(take(ours.pull())) == list(range(2_000))


def test_faults_of_what_is_published(queue_town: QueueTown) -> None:
    queue_town.faults.set(SYSTEM, "duplicate_page", times=1)
    queue_town.publish(*topics(0, 3))
    queue_town.faults.set(SYSTEM, "truncated", times=1)
    queue_town.publish(*topics(3, 2))
    pages = take(queue_town.pull())
    assert ids(pages) == [0, 0, 1, 1, 2, 2]
    assert [bad.reason for page in pages for bad in page.bad] == ["malformed_json"] * 2


def test_messages_of_many_frames_arrive_whole(queue_town: QueueTown) -> None:
    text = "舆" * 100_000
    queue_town.publish(*(f'{{"id":"T{n}","bt":"{text}"}}'.encode() for n in range(5)))
    pages = take(queue_town.pull())
    assert ids(pages) == list(range(5))
    assert pages[0].frame["bt"].to_list() == [text] * 5


def test_the_time_of_the_last_message_is_the_sign_of_life(ours: QueueTown) -> None:
    ours.publish(*topics(0, 1))
    with open_extraction(ours.pull()) as extraction:
        list(extraction.pages())
        first = extraction.source_time  # type: ignore[attr-defined]
        assert first is not None and 0 <= (dt.datetime.now(dt.UTC) - first).total_seconds() < 60
        extraction.acknowledge()
    with open_extraction(ours.pull(state=extraction.state)) as later:
        assert list(later.pages()) == []
        assert later.source_time == first, "an empty queue is no news of the sender"  # type: ignore[attr-defined]


def test_nothing_is_logged_of_messages_and_credentials(ours: QueueTown, caplog: pytest.LogCaptureFixture) -> None:
    ours.publish(b'{"id":"secret-of-a-person"', *topics(0, 1))
    with caplog.at_level(1):
        take(ours.pull())
        bad = Server("queue", {"protocol": "amqp", "endpoint": ours.url.replace("@", "x@")})
        with pytest.raises(Permanent):
            take(Pull(ours.stream, bad))
    assert not [record for record in caplog.records if record.name.startswith("pika")]
    assert "secret-of-a-person" not in caplog.text and ours.broker.passwords[SYSTEM] not in caplog.text
