"""The MQTT connector against the town's broker and, where one is reachable, against Mosquitto."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import paho.mqtt.client as paho
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from connectors import inbox
from connectors.contract import Contract
from connectors.contract_folder import load_contracts
from connectors.errors import Permanent, Retriable
from connectors.protocols import mqtt, open_extraction
from connectors.protocols.base import Page, Pull
from connectors.variables import resolve_server
from simulator.faults import Faults
from simulator.servers.mqtt import MqttBroker
from simulator.servers.mqtt_sessions import matches

SYSTEM = "elder_door_sensor"
MOSQUITTO = ("127.0.0.1", 1883)


@pytest.fixture(scope="module")
def contracts() -> dict[str, Contract]:
    return load_contracts()


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def warehouse_url(database: str) -> Iterator[str]:
    """The session's warehouse; what a test commits to the inbox is removed after it."""
    yield database
    with psycopg.connect(database) as conn:
        conn.execute("delete from inbox.message")


@pytest.fixture
def broker(warehouse_url: str, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> Iterator[MqttBroker]:
    monkeypatch.delenv("TOWNHUB_MQTT_BROKER_URL", raising=False)
    monkeypatch.setattr(mqtt, "QUIET_SECONDS", 0.3)
    monkeypatch.setattr(mqtt, "ANSWER_SECONDS", 1.0)
    running = MqttBroker(faults, [SYSTEM])
    running.start()
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)
    yield running
    running.stop()


def pull(contracts: dict[str, Contract], stream: str = "readings", **changes: Any) -> Pull:
    wanted = contracts[SYSTEM].streams[stream]
    return replace(Pull(wanted, resolve_server(contracts[SYSTEM].server_of(wanted))), **changes)


def take(of: Pull) -> tuple[list[Page], dict[str, Any]]:
    with open_extraction(of) as extraction:
        pages = list(extraction.pages())
        extraction.acknowledge()
        assert not extraction.complete
        return pages, extraction.state


def times(pages: list[Page]) -> list[int]:
    return [int(value) for page in pages if page.frame.height for value in page.frame["ts"].to_list()]


def readings(first: int, count: int) -> list[tuple[str, bytes]]:
    return [
        (f"elder/readings/8600{n % 50:011}", b'{"imei":"8600%011d","ts":%d,"evt":"1","bat":87}' % (n % 50, n))
        for n in range(first, first + count)
    ]


def test_messages_wait_for_the_first_subscription_and_for_every_absence(
    broker: MqttBroker, contracts: dict[str, Contract]
) -> None:
    broker.publish(SYSTEM, readings(0, 300))
    assert broker.pending == 300
    pages, state = take(pull(contracts))
    assert times(pages) == list(range(300)) and broker.pending == 0
    broker.publish(SYSTEM, readings(300, 50))
    broker.publish(SYSTEM, [("elder/devices/1", b'{"imei":"1","sfzh":"x"}')])
    pages, state = take(pull(contracts, state=state))
    assert times(pages) == list(range(300, 350))
    assert broker.pending == 1, "the devices stream has a session of its own"
    pages, _ = take(pull(contracts, "devices"))
    assert [page.frame.height for page in pages] == [1] and broker.pending == 0
    assert take(pull(contracts, state=state)) == ([], state)


def test_arrays_and_what_is_no_json(broker: MqttBroker, contracts: dict[str, Contract]) -> None:
    topic = "elder/readings/1"
    payloads = [b'[{"imei":"1","ts":1},{"imei":"1","ts":2}]', b"\x00\xff", b"{", b"3", b'{"imei":"1","ts":3}']
    broker.publish(SYSTEM, [(topic, payload) for payload in [*payloads, b'{"x":"' + b"y" * (2 << 20) + b'"}']])
    pages, _ = take(pull(contracts))
    assert times(pages) == [1, 2, 3]
    reasons = [bad.reason for page in pages for bad in page.bad]
    assert reasons == ["undecodable_text", "malformed_json", "malformed_json", "malformed_json"]


def test_nothing_is_acknowledged_before_it_is_committed(
    broker: MqttBroker, contracts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.publish(SYSTEM, readings(0, 100))

    def fail(*_: object) -> int:
        raise psycopg.OperationalError("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(inbox, "store", fail)
        with pytest.raises(psycopg.OperationalError):
            take(pull(contracts))
    assert broker.pending == 100
    assert times(take(pull(contracts))[0]) == list(range(100))


def test_a_reset_in_the_middle_loses_nothing(
    broker: MqttBroker, contracts: dict[str, Contract], faults: Faults
) -> None:
    take(pull(contracts))
    broker.publish(SYSTEM, readings(0, 30_000))
    threading.Timer(0.6, lambda: faults.set(SYSTEM, "reset", times=1)).start()
    seen: list[int] = []
    state: dict[str, Any] = {}
    for _ in range(4):
        try:
            pages, state = take(pull(contracts, state=state))
        except Retriable:
            continue
        seen += times(pages)
        if not broker.pending:
            break
    assert set(seen) == set(range(30_000))


def test_messages_keep_coming_while_we_drain(broker: MqttBroker, contracts: dict[str, Contract]) -> None:
    take(pull(contracts))

    def work() -> None:
        for start in range(0, 1000, 100):
            broker.publish(SYSTEM, readings(start, 100))
            time.sleep(0.02)

    thread = threading.Thread(target=work)
    thread.start()
    pages, _ = take(pull(contracts))
    thread.join()
    assert times(pages) == list(range(1000))


def test_refused_credentials_are_permanent(
    broker: MqttBroker, contracts: dict[str, Contract], faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults.set(SYSTEM, "bad_signature", times=1)
    with pytest.raises(Permanent, match="refuses us"):
        take(pull(contracts))
    monkeypatch.setenv("ELDER_DOOR_SENSOR_URL", f"mqtt://elder_door_sensor:wrong@127.0.0.1:{broker.port}")
    with pytest.raises(Permanent, match="refuses us"):
        take(pull(contracts))
    monkeypatch.setenv("ELDER_DOOR_SENSOR_URL", "http://127.0.0.1")
    with pytest.raises(Permanent, match="no MQTT address"):
        take(pull(contracts))


def test_dead_and_silent_brokers_are_worth_another_try(
    broker: MqttBroker, contracts: dict[str, Contract], faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults.set(SYSTEM, "dead")
    with pytest.raises(Retriable, match="failed"):
        take(pull(contracts))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("ELDER_DOOR_SENSOR_URL", f"mqtt://elder_door_sensor:x@127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Retriable, match="no answer"):
            take(pull(contracts))
    with pytest.raises(Retriable, match="failed"):
        take(pull(contracts))


def test_systems_share_the_broker_but_neither_messages_nor_faults(
    broker: MqttBroker, contracts: dict[str, Contract], faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second system with the same topics under its own account: each hears its own devices alone, fails alone."""
    other = MqttBroker(faults, [SYSTEM, "other_sensor"])
    other.start()
    try:
        own, foreign = (other.environment()[name] for name in ("ELDER_DOOR_SENSOR_URL", "OTHER_SENSOR_URL"))
        other.publish(SYSTEM, readings(0, 20))
        other.publish("other_sensor", readings(100, 20))
        faults.set(SYSTEM, "dead")
        monkeypatch.setenv("ELDER_DOOR_SENSOR_URL", own)
        with pytest.raises(Retriable, match="failed"):
            take(pull(contracts))
        monkeypatch.setenv("ELDER_DOOR_SENSOR_URL", foreign)
        pages, state = take(pull(contracts))
        assert times(pages) == list(range(100, 120))
        assert other.pending == 20
        faults.clear()
        monkeypatch.setenv("ELDER_DOOR_SENSOR_URL", own)
        assert times(take(pull(contracts, state=state))[0]) == list(range(20))
        monkeypatch.setenv("ELDER_DOOR_SENSOR_URL", own.replace(SYSTEM, "other_sensor", 1))
        with pytest.raises(Permanent, match="refuses us"):
            take(pull(contracts))
    finally:
        other.stop()


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("a/+", "a/b", True),
        ("a/+", "a", False),
        ("a/+", "a/b/c", False),
        ("a/#", "a/b/c", True),
        ("a/#", "a", True),
        ("+/b", "a/b", True),
        ("a/b", "a/c", False),
    ],
)
def test_topic_filters(topic_filter: str, topic: str, expected: bool) -> None:
    assert matches(topic_filter, topic) is expected


def test_through_mosquitto(warehouse_url: str, contracts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        socket.create_connection(MOSQUITTO, 1).close()
    except OSError:
        pytest.skip("no MQTT broker on 127.0.0.1:1883")
    root = f"townhub-test-{secrets.token_hex(6)}"
    monkeypatch.setenv("TOWNHUB_MQTT_BROKER_URL", f"mqtt://{MOSQUITTO[0]}:{MOSQUITTO[1]}")
    town = MqttBroker(Faults(), [SYSTEM])
    town.start()
    for name, value in town.environment().items():
        monkeypatch.setenv(name, value)
    base = pull(contracts)
    ours = replace(base, stream=replace(base.stream, name=root, physical_name=f"{root}/+"))
    try:
        town.publish(SYSTEM, [(f"{root}/{n % 7}", b'{"imei":"1","ts":%d}' % n) for n in range(700)])
        time.sleep(0.5)
        assert town.pending == 700, "the broker has no subscriber yet"
        # our subscription may come in the middle of a window: what nobody heard of it is published again, later
        heard: list[int] = []
        state: dict[str, Any] = {}
        deadline = time.monotonic() + 30
        while len(heard) < 700 and time.monotonic() < deadline:
            pages, state = take(replace(ours, state=state))
            heard += times(pages)
        assert sorted(heard) == list(range(700)) and town.pending == 0
        town.publish(SYSTEM, [(f"{root}/{n}", b'{"imei":"1","ts":%d}' % n) for n in range(90)])
        deadline = time.monotonic() + 10
        while town.pending and time.monotonic() < deadline:
            time.sleep(0.02)
        pages, _ = take(replace(ours, state=state))
        assert sorted(times(pages)) == list(range(90)), "the session kept them while we were away"
    finally:
        town.stop()
        leave = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"townhub-{SYSTEM}-{root}", clean_session=True)
        leave.connect(*MOSQUITTO)
        leave.loop_start()
        time.sleep(0.2)
        leave.disconnect()
        leave.loop_stop()
