"""The town's AMQP broker: what other readers do with a queue means the same there as at RabbitMQ; and TLS."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pika
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pika.exceptions import ChannelClosedByBroker

from connectors.errors import Permanent, Retriable
from tests.integration.protocols.conftest import SYSTEM, QueueTown, ids, take, topics


def test_systems_see_their_own_queues_only(ours: QueueTown) -> None:
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


def test_the_faults_of_one_system_leave_the_others_alone(ours: QueueTown) -> None:
    theirs = ours.broker.environment()["ANOTHER_SYSTEM_URL"]
    with pika.BlockingConnection(pika.URLParameters(theirs)) as other:
        channel = other.channel()
        ours.faults.set(SYSTEM, "dead")
        with pytest.raises(Retriable):
            take(ours.pull())
        assert channel.queue_declare(f"{ours.queue}-2", passive=True).method.message_count == 0


def test_fetching_rejecting_and_giving_back(queue_town: QueueTown) -> None:
    """What other readers do with a queue means the same at both brokers."""
    queue_town.publish(*topics(0, 5))
    assert queue_town.settled(5)
    with queue_town.channel() as channel:
        first, _, body = channel.basic_get(queue_town.queue)
        assert (first.message_count, first.redelivered, body) == (4, False, topics(0, 1)[0])
        channel.basic_nack(first.delivery_tag, requeue=True)
        again, _, body = channel.basic_get(queue_town.queue)
        assert again.redelivered and body == topics(0, 1)[0], "it is back where it stood"
        channel.basic_reject(again.delivery_tag, requeue=False)
        tags = [channel.basic_get(queue_town.queue)[0].delivery_tag for _ in range(4)]
        assert channel.basic_get(queue_town.queue) == (None, None, None)
        channel.basic_ack(tags[1], multiple=True)
        channel.close()
    assert queue_town.settled(2)
    assert ids(take(queue_town.pull())) == [3, 4]
    with queue_town.channel() as channel:
        channel.basic_ack(99)
        with pytest.raises(ChannelClosedByBroker, match="406"):
            channel.queue_declare(queue_town.queue, passive=True)


def test_a_prefetch_is_kept_and_a_cancelled_consumer_gets_no_more(queue_town: QueueTown) -> None:
    queue_town.publish(*topics(0, 10))
    assert queue_town.settled(10)
    with queue_town.channel() as channel:
        got: list[int] = []
        channel.basic_qos(prefetch_count=3)
        tag = channel.basic_consume(queue_town.queue, lambda _c, method, _p, _b: got.append(method.delivery_tag))
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
    assert queue_town.settled(5)


def test_nonsense_ends_the_connection_only(ours: QueueTown) -> None:
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


def test_tls_with_a_known_authority_only(ours: QueueTown, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours.publish(*topics(0, 20))
    with behind_tls(certificate, ours.broker.port) as port:
        secure = ours.url.replace("amqp://", "amqps://").replace(str(ours.broker.port), str(port))
        monkeypatch.setenv("OPINION_WATCH_URL", secure)
        with pytest.raises(Permanent, match=r"certificate.*SSL_CERT_FILE"):
            take(ours.pull())
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert ids(take(ours.pull())) == list(range(20))
