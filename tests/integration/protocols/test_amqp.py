"""The AMQP connector: against the town's broker and, where one is reachable, against RabbitMQ.

What both brokers must do alike is one test, run twice; the rest is the town's broker alone.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika
import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pika.exceptions import ChannelClosedByBroker

from connectors.contract import Contract, Server, Stream, load_contracts, resolve_server
from connectors.errors import Permanent, Retriable
from connectors.intake import LoadResult, run_stream
from connectors.protocols import amqp, open_extraction
from connectors.protocols.base import Page, Pull
from connectors.tables import ensure_tables
from simulator.faults import Faults
from simulator.interfaces import Queue
from simulator.servers.amqp import EXTERNAL, AmqpBroker
from warehouse import connection

SYSTEM = "opinion_watch"
RABBITMQ = "amqp://guest:guest@127.0.0.1:5672/"
REPOSITORY = Path(__file__).parents[3]

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: opinion_watch
name: a system that tests play
version: 1.0.0
status: active
domain: test
description: {purpose: tests, limitations: none}
team: {name: the testers}
customProperties:
  - {property: legalBasis, value: none-needed}
  - {property: purposes, value: [testing]}
servers:
  - server: queue
    type: custom
    customProperties:
      - {property: protocol, value: amqp}
      - {property: endpoint, value: "${OPINION_WATCH_URL}"}
slaProperties:
  - {property: frequency, value: 1, unit: hour}
  - {property: latency, value: 1, unit: day}
  - {property: retention, value: 1, unit: year}
schema:
  - name: topics
    physicalName: QUEUE
    customProperties:
      - {property: load, value: messages}
      - {property: cursor, value: seen_at}
    properties:
      - {name: topic_id, physicalName: id, logicalType: string, primaryKey: true, required: true, classification: L1}
      - {name: heat, physicalName: rd, logicalType: integer, classification: L1}
      - {name: seen_at, physicalName: sj, logicalType: timestamp, required: true, classification: L1}
"""


def reachable() -> bool:
    try:
        pika.BlockingConnection(pika.URLParameters(RABBITMQ)).close()
    except (pika.exceptions.AMQPError, OSError):
        return False
    return True


@dataclass
class Town:
    """A broker with one queue of the system, and the hub's contract for it."""

    broker: AmqpBroker
    faults: Faults
    queue: str
    folder: Path
    url: str

    @property
    def contract(self) -> Contract:
        return load_contracts(self.folder)[SYSTEM]

    @property
    def stream(self) -> Stream:
        return self.contract.streams["topics"]

    def publish(self, *messages: bytes) -> None:
        self.broker.publish(SYSTEM, self.queue, messages)

    def pull(self, **changes: Any) -> Pull:
        return Pull(self.stream, resolve_server(self.contract.server_of(self.stream)), **changes)

    def run(self) -> LoadResult:
        return run_stream(self.contract, self.stream, run_id="test")

    @contextmanager
    def channel(self) -> Iterator[Any]:
        with pika.BlockingConnection(pika.URLParameters(self.url)) as open_connection:
            yield open_connection.channel()

    def ready(self) -> int:
        """Messages that the broker would give to somebody who came now."""
        with self.channel() as channel:
            return int(channel.queue_declare(self.queue, passive=True).method.message_count)

    def settled(self, count: int) -> bool:
        """Whether so many messages are ready, at once or soon: RabbitMQ counts a moment later."""
        deadline = time.monotonic() + 10
        while self.ready() != count:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True


@contextmanager
def town_at(folder: Path, monkeypatch: pytest.MonkeyPatch, external: str | None) -> Iterator[Town]:
    monkeypatch.delenv(EXTERNAL, raising=False)
    if external:
        monkeypatch.setenv(EXTERNAL, external)
    queue = f"townhub-test-{secrets.token_hex(6)}"
    (folder / "opinion_watch.odcs.yaml").write_text(CONTRACT.replace("QUEUE", queue), encoding="utf-8")
    monkeypatch.setenv("TOWNHUB_SYSTEMS", str(folder))
    monkeypatch.setattr(amqp, "QUIET_SECONDS", 0.3)
    faults = Faults()
    broker = AmqpBroker(faults, {(SYSTEM, "topics"): Queue(queue), ("another_system", "x"): Queue(f"{queue}-2")})
    broker.start()
    for name, value in broker.environment().items():
        monkeypatch.setenv(name, value)
    town = Town(broker, faults, queue, folder, os.environ["OPINION_WATCH_URL"])
    try:
        yield town
    finally:
        if external:
            with town.channel() as channel:
                channel.queue_delete(queue)
                channel.queue_delete(f"{queue}-2")
        broker.stop()


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """The town's broker."""
    with town_at(tmp_path, monkeypatch, None) as found:
        yield found


@pytest.fixture
def rabbitmq(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """A queue of a RabbitMQ's."""
    if not reachable():
        pytest.skip("no RabbitMQ on 127.0.0.1:5672 that knows guest/guest")
    with town_at(tmp_path, monkeypatch, RABBITMQ) as found:
        yield found


@pytest.fixture(params=["ours", pytest.param("rabbitmq", marks=pytest.mark.external)])
def town(request: pytest.FixtureRequest) -> Town:
    """Both in turn."""
    found: Town = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def hub(town: Town, fresh_database: str) -> Callable[[str], list[Any]]:
    """A warehouse with the stream's table; gives the rows of a query."""
    with connection.connect("loader") as conn:
        ensure_tables(conn, {SYSTEM: town.contract})

    def ask(query: str) -> list[Any]:
        with psycopg.connect(fresh_database) as conn:
            return conn.execute(query.encode()).fetchall()

    return ask


def topics(first: int, count: int) -> list[bytes]:
    return [b'{"id":"T%d","rd":%d,"sj":"2026-06-01 08:00:00"}' % (n, n % 90) for n in range(first, first + count)]


def take(pull: Pull, *, acknowledge: bool = True) -> list[Page]:
    with open_extraction(pull) as extraction:
        pages = list(extraction.pages())
        assert not extraction.complete
        if acknowledge:
            extraction.acknowledge()
            extraction.acknowledge()
    return pages


def ids(pages: list[Page]) -> list[int]:
    return [int(value[1:]) for page in pages if page.frame.height for value in page.frame["id"]]


def test_what_waits_comes_once_in_order_and_is_gone(town: Town) -> None:
    town.publish(*topics(0, 300))
    assert ids(take(town.pull(page_rows=100))) == list(range(300))
    assert town.settled(0) and take(town.pull()) == []
    town.publish(*topics(300, 5))
    assert ids(take(town.pull())) == [300, 301, 302, 303, 304]


def test_what_is_not_acknowledged_comes_again(town: Town) -> None:
    town.publish(*topics(0, 50))
    assert ids(take(town.pull(), acknowledge=False)) == list(range(50))
    assert town.settled(50)
    assert ids(take(town.pull())) == list(range(50))
    assert town.settled(0)


def test_ten_thousand_messages_through_several_windows(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amqp, "PREFETCH", 3_000)
    town.publish(*topics(0, 10_000))
    assert ids(take(town.pull(), acknowledge=False)) == list(range(10_000))
    assert ids(take(town.pull(page_rows=4_000))) == list(range(10_000))
    assert town.settled(0)


def test_a_pull_takes_no_more_than_its_limit(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amqp, "MAX_MESSAGES", 70)
    town.publish(*topics(0, 100))
    assert ids(take(town.pull())) == list(range(70))
    assert town.settled(30)
    assert ids(take(town.pull())) == list(range(70, 100))


def test_ten_thousand_messages_land_once(town: Town, hub: Callable[[str], list[Any]]) -> None:
    town.publish(*topics(0, 10_000), *topics(0, 10))
    result = town.run()
    assert (result.rows_in, result.landed, result.unchanged) == (10_010, 10_000, 10)
    assert town.settled(0)
    assert hub("SELECT count(*), count(DISTINCT topic_id) FROM landing.opinion_watch__topics") == [(10_000, 10_000)]


def test_poison_goes_to_quarantine_and_blocks_nothing(town: Town, hub: Callable[[str], list[Any]]) -> None:
    gb18030 = '{"id":"T7","rd":1,"sj":"2026-06-01 08:00:00","bt":"舆情"}'.encode("gb18030")
    huge = b'{"id":"T8","x":"' + b"y" * (2 << 20) + b'"}'
    town.publish(b"", b"7", b'{"id":', gb18030, huge, b"\x00\xff", b'{"id":"T9"}', *topics(0, 2))
    result = town.run()
    assert (result.rows_in, result.landed, result.quarantined) == (9, 2, 7)
    held = hub("SELECT reasons, length(payload_text) FROM quarantine.row")
    assert Counter(reason for reasons, _ in held for reason in reasons) == {
        "malformed_json": 3,
        "undecodable_text": 2,
        "oversized_field": 1,
        "seen_at:missing_required": 1,
    }
    assert max(length for _, length in held) <= 2_000
    assert town.settled(0), "poison is acknowledged with the rest"


@pytest.mark.parametrize("point", ["intake.before_commit", "intake.before_acknowledge"])
def test_a_kill_before_the_acknowledgement_loses_and_doubles_nothing(
    town: Town, hub: Callable[[str], list[Any]], point: str
) -> None:
    town.publish(*topics(0, 500), b"poison")
    work = "from connectors.contract import load_contracts as l; from connectors.intake import run_stream; "
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
    assert town.settled(501), "the broker has all of them again"
    result = town.run()
    assert (result.rows_in, result.landed, result.unchanged) == ((501, 0, 500) if committed else (501, 500, 0))
    assert hub("SELECT count(*) FROM landing.opinion_watch__topics") == [(500,)]
    assert hub("SELECT count(*) FROM quarantine.row") == [(1,)]
    assert town.settled(0)


def test_heartbeats_are_answered_while_rows_are_landed(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amqp, "HEARTBEAT_SECONDS", 1)
    town.publish(*topics(0, 10))
    with open_extraction(town.pull()) as extraction:
        assert ids(list(extraction.pages())) == list(range(10))
        time.sleep(5)
        extraction.acknowledge()
    assert town.settled(0)


def test_a_connection_lost_before_the_acknowledgement_is_worth_another_try(
    ours: Town, monkeypatch: pytest.MonkeyPatch
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


def test_refusals_are_permanent_and_say_what_to_do(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    user, _, at = town.url.removeprefix("amqp://").partition("@")
    name = user.partition(":")[0]
    for url, match in (
        (f"amqp://{name}:wrong@{at}", "refuses us.*valid credentials"),
        (f"amqp://{user}@{at}no-such-vhost", "refuses us.*virtual host"),
        ("http://127.0.0.1", "no AMQP address.*amqp://user"),
        ("amqp://127.0.0.1", "no AMQP address"),
    ):
        monkeypatch.setenv("OPINION_WATCH_URL", url)
        with pytest.raises(Permanent, match=match) as raised:
            take(town.pull())
        assert "wrong" not in str(raised.value)
    monkeypatch.setenv("OPINION_WATCH_URL", town.url)
    path = town.folder / "opinion_watch.odcs.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(town.queue, "no-such-queue"), encoding="utf-8")
    with pytest.raises(Permanent, match=r"no queue no-such-queue.*Ask the owner"):
        take(town.pull())


@pytest.mark.external
def test_a_queue_deleted_under_us_is_permanent(rabbitmq: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amqp, "QUIET_SECONDS", 5)

    def delete() -> None:
        with rabbitmq.channel() as channel:
            channel.queue_delete(rabbitmq.queue)

    threading.Timer(0.5, delete).start()
    with pytest.raises(Permanent, match="ended our subscription"):
        take(rabbitmq.pull())


def test_silent_brokers_are_worth_another_try(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amqp, "ANSWER_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OPINION_WATCH_URL", f"amqp://hub:x@127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Retriable, match="failed"):
            take(town.pull())
    with pytest.raises(Retriable, match="failed"):
        take(town.pull())


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
    ours: Town, monkeypatch: pytest.MonkeyPatch, fault: str, params: dict[str, Any], error: type[Exception]
) -> None:
    monkeypatch.setattr(amqp, "ANSWER_SECONDS", 1.0)
    ours.publish(*topics(0, 2_000))
    ours.faults.set(SYSTEM, fault, **params)
    with pytest.raises(error):
        take(ours.pull())
    ours.faults.clear()
    assert ids(take(ours.pull())) == list(range(2_000))


def test_faults_of_what_is_published(town: Town) -> None:
    town.faults.set(SYSTEM, "duplicate_page", times=1)
    town.publish(*topics(0, 3))
    town.faults.set(SYSTEM, "truncated", times=1)
    town.publish(*topics(3, 2))
    pages = take(town.pull())
    assert ids(pages) == [0, 0, 1, 1, 2, 2]
    assert [bad.reason for page in pages for bad in page.bad] == ["malformed_json"] * 2


def test_messages_of_many_frames_arrive_whole(town: Town) -> None:
    text = "舆" * 100_000
    town.publish(*(f'{{"id":"T{n}","bt":"{text}"}}'.encode() for n in range(5)))
    pages = take(town.pull())
    assert ids(pages) == list(range(5))
    assert pages[0].frame["bt"].to_list() == [text] * 5


def test_the_time_of_the_last_message_is_the_sign_of_life(ours: Town) -> None:
    ours.publish(*topics(0, 1))
    with open_extraction(ours.pull()) as extraction:
        list(extraction.pages())
        first = extraction.source_time  # type: ignore[attr-defined]
        assert first is not None and 0 <= (dt.datetime.now(dt.UTC) - first).total_seconds() < 60
        extraction.acknowledge()
    with open_extraction(ours.pull(state=extraction.state)) as later:
        assert list(later.pages()) == []
        assert later.source_time == first, "an empty queue is no news of the sender"  # type: ignore[attr-defined]


def test_systems_see_their_own_queues_only(ours: Town) -> None:
    theirs = ours.broker.environment()["ANOTHER_SYSTEM_URL"]
    with pika.BlockingConnection(pika.URLParameters(theirs)) as other:
        with pytest.raises(ChannelClosedByBroker, match="404"):
            other.channel().queue_declare(ours.queue, passive=True)
        for forbidden in (
            lambda channel: channel.queue_declare("new", durable=True),
            lambda channel: channel.queue_purge(f"{ours.queue}-2"),
            lambda channel: channel.basic_consume(f"{ours.queue}-2", lambda *_: None, auto_ack=True),
        ):
            with pytest.raises(ChannelClosedByBroker, match="403"):
                forbidden(other.channel())
        with pytest.raises(KeyError):
            ours.broker.publish("another_system", ours.queue, [b"{}"])


def test_the_faults_of_one_system_leave_the_others_alone(ours: Town) -> None:
    theirs = ours.broker.environment()["ANOTHER_SYSTEM_URL"]
    with pika.BlockingConnection(pika.URLParameters(theirs)) as other:
        channel = other.channel()
        ours.faults.set(SYSTEM, "dead")
        with pytest.raises(Retriable):
            take(ours.pull())
        assert channel.queue_declare(f"{ours.queue}-2", passive=True).method.message_count == 0


def test_fetching_rejecting_and_giving_back(town: Town) -> None:
    """What other readers do with a queue means the same at both brokers."""
    town.publish(*topics(0, 5))
    assert town.settled(5)
    with town.channel() as channel:
        first, _, body = channel.basic_get(town.queue)
        assert (first.message_count, first.redelivered, body) == (4, False, topics(0, 1)[0])
        channel.basic_nack(first.delivery_tag, requeue=True)
        again, _, body = channel.basic_get(town.queue)
        assert again.redelivered and body == topics(0, 1)[0], "it is back where it stood"
        channel.basic_reject(again.delivery_tag, requeue=False)
        tags = [channel.basic_get(town.queue)[0].delivery_tag for _ in range(4)]
        assert channel.basic_get(town.queue) == (None, None, None)
        channel.basic_ack(tags[1], multiple=True)
        channel.close()
    assert town.settled(2)
    assert ids(take(town.pull())) == [3, 4]
    with town.channel() as channel:
        channel.basic_ack(99)
        with pytest.raises(ChannelClosedByBroker, match="406"):
            channel.queue_declare(town.queue, passive=True)


def test_a_prefetch_is_kept_and_a_cancelled_consumer_gets_no_more(town: Town) -> None:
    town.publish(*topics(0, 10))
    assert town.settled(10)
    with town.channel() as channel:
        got: list[int] = []
        channel.basic_qos(prefetch_count=3)
        tag = channel.basic_consume(town.queue, lambda _c, method, _p, _b: got.append(method.delivery_tag))
        channel.connection.process_data_events(1)
        channel.connection.process_data_events(0.3)
        assert got == [1, 2, 3]
        channel.basic_ack(2, multiple=True)
        channel.connection.process_data_events(1)
        channel.connection.process_data_events(0.3)
        assert got == [1, 2, 3, 4, 5]
        channel.basic_cancel(tag)
        channel.basic_ack(5, multiple=True)
        channel.connection.process_data_events(0.3)
        assert len(got) == 5
    assert town.settled(5)


def test_nonsense_ends_the_connection_only(ours: Town) -> None:
    for sent in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"AMQP\x00\x00\x09\x01" + b"\xff" * 50,
        b"AMQP\x00\x00\x09\x01\x01\x00\x00",
    ):
        with socket.create_connection(("127.0.0.1", ours.broker.port), 5) as client, suppress(OSError):
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
    ours.publish(*topics(0, 1))
    assert ids(take(ours.pull())) == [0]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that it signed itself, in one file."""
    import ipaddress

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "town broker")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "broker.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextmanager
def behind_tls(certificate: Path, port: int) -> Iterator[int]:
    """A port that speaks TLS in front of another one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                client = context.wrap_socket(listener.accept()[0], server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return
            plain = socket.create_connection(("127.0.0.1", port))
            for ends in ((client, plain), (plain, client)):
                threading.Thread(target=pump, args=ends, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_tls_with_a_known_authority_only(ours: Town, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours.publish(*topics(0, 20))
    with behind_tls(certificate, ours.broker.port) as port:
        secure = ours.url.replace("amqp://", "amqps://").replace(str(ours.broker.port), str(port))
        monkeypatch.setenv("OPINION_WATCH_URL", secure)
        with pytest.raises(Permanent, match=r"certificate.*SSL_CERT_FILE"):
            take(ours.pull())
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert ids(take(ours.pull())) == list(range(20))


def test_nothing_is_logged_of_messages_and_credentials(ours: Town, caplog: pytest.LogCaptureFixture) -> None:
    ours.publish(b'{"id":"secret-of-a-person"', *topics(0, 1))
    with caplog.at_level(1):
        take(ours.pull())
        bad = Server("queue", {"protocol": "amqp", "endpoint": ours.url.replace("@", "x@")})
        with pytest.raises(Permanent):
            take(Pull(ours.stream, bad))
    assert not [record for record in caplog.records if record.name.startswith("pika")]
    assert "secret-of-a-person" not in caplog.text and ours.broker.passwords[SYSTEM] not in caplog.text
