"""The GB/T 28181 catalogue query against the town's video platform, over real datagrams."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Contract
from connectors.contract_folder import load_contracts
from connectors.errors import ContractViolation, Permanent, Retriable, Truncated
from connectors.protocols import gb28181, open_extraction, sip
from connectors.protocols.base import Page, Pull
from connectors.variables import resolve_server
from simulator.faults import Faults
from simulator.servers.gb28181 import Gb28181Platform

SYSTEM = "video_index"
PLATFORM, HUB = "33019900002000000001", "33019900002009000001"


@pytest.fixture(scope="module")
def contracts() -> dict[str, Contract]:
    return load_contracts()


@pytest.fixture
def faults() -> Faults:
    return Faults()


@dataclass
class Served:
    frame: pl.DataFrame
    changed_at: None = None


class Town(Gb28181Platform):
    """A platform whose catalogue is what was published last."""

    def __init__(self, faults: Faults, number: int = 1) -> None:
        super().__init__(lambda system, stream: self.served, faults, SYSTEM, "devices", number=number)
        self.served = Served(pl.DataFrame())

    def publish(self, frame: pl.DataFrame) -> None:
        self.served = Served(frame)


@pytest.fixture
def platform(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setattr(gb28181, "T1_SECONDS", 0.05)
    monkeypatch.setattr(gb28181, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(gb28181, "QUIET_SECONDS", 1.5)
    running = Town(faults)
    running.start()
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)
    yield running
    running.stop()


def devices(rows: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "DeviceID": [f"330199000013200{row:05}" for row in range(rows)],
            "Name": [f"镕㙍路口{row}<&>" for row in range(rows)],  # one character beyond GB2312
            "CivilCode": ["330199"] * rows,
            "Address": [None if row % 3 else "东街1号" for row in range(rows)],
            "Longitude": ["120.1234560"] * rows,
            "Latitude": ["30.10"] * rows,
            "Status": ["ON" if row % 5 else "OFF" for row in range(rows)],
        },
        schema_overrides={"Address": pl.String},
    )


def take(contracts: dict[str, Contract], page_rows: int = 50_000) -> tuple[pl.DataFrame, list[Page], bool]:
    stream = contracts[SYSTEM].streams["devices"]
    pull = Pull(stream, resolve_server(contracts[SYSTEM].server_of(stream)), page_rows=page_rows)
    with open_extraction(pull) as extraction:
        assert not extraction.complete
        pages = list(extraction.pages())
        extraction.acknowledge()
        frame = pl.concat([page.frame for page in pages]) if pages else pl.DataFrame()
        return frame, pages, extraction.complete


def same(got: pl.DataFrame, expected: pl.DataFrame) -> bool:
    return got.select(expected.columns).sort("DeviceID").equals(expected.sort("DeviceID"))


def test_two_platforms_know_neither_each_others_ids_nor_faults(
    platform: Town, contracts: dict[str, Contract], faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Town(faults, number=2)
    other.system = "other_cameras"
    other.start()
    try:
        own, foreign = platform.environment(), other.environment()
        assert own["VIDEO_INDEX_URL"].startswith(f"sip://{PLATFORM}@") and own["VIDEO_INDEX_USER"] == HUB
        assert foreign["OTHER_CAMERAS_USER"] != HUB
        platform.publish(devices(3))
        other.publish(devices(8))
        faults.set(SYSTEM, "dead")
        for name in ("URL", "USER", "PASSWORD"):
            monkeypatch.setenv(f"VIDEO_INDEX_{name}", foreign[f"OTHER_CAMERAS_{name}"])
        assert take(contracts)[0].height == 8
        monkeypatch.setenv("VIDEO_INDEX_USER", HUB)
        with pytest.raises(Permanent, match="refuses our credentials"):
            take(contracts)
    finally:
        other.stop()


def test_a_whole_catalogue(platform: Town, contracts: dict[str, Contract]) -> None:
    platform.publish(devices(1003))
    frame, pages, complete = take(contracts, page_rows=400)
    assert same(frame, devices(1003)) and complete
    assert [page.frame.height for page in pages] == [400, 400, 203] and pages[0].bytes_in > 100_000


def test_two_devices_under_one_id_are_named_as_the_cause(platform: Town, contracts: dict[str, Contract]) -> None:
    platform.publish(pl.concat([devices(6), devices(1)]))
    with pytest.raises(Truncated, match="6 of 7 devices; 1 came more than once"):
        take(contracts)


def test_an_empty_catalogue_is_complete(platform: Town, contracts: dict[str, Contract]) -> None:
    frame, _, complete = take(contracts)
    assert frame.is_empty() and complete


def test_elements_that_nothing_carries_are_null(platform: Town, contracts: dict[str, Contract]) -> None:
    platform.publish(devices(5).drop("Address"))
    assert take(contracts)[0]["Address"].to_list() == [None] * 5
    platform.publish(devices(5).drop("Name"))
    assert "Name" not in take(contracts)[0].columns, "a required one is left to conform, which stops the stream"


@pytest.mark.parametrize(("fault", "times"), [("reset", 3), ("duplicate_page", 1), ("slow_drip", 1)])
def test_loss_repetition_and_slowness_cost_no_device(
    platform: Town, contracts: dict[str, Contract], faults: Faults, fault: str, times: int
) -> None:
    platform.publish(devices(60))
    faults.set(SYSTEM, fault, times=times, seconds=0.1)
    frame, _, complete = take(contracts)
    assert same(frame, devices(60)) and complete


def test_a_lost_answer_is_asked_for_again_without_a_second_catalogue(
    platform: Town, contracts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.publish(devices(8))
    real, lost = sip.parse, [3]

    def lossy(datagram: bytes) -> sip.SipMessage | None:
        message = real(datagram)
        if message is not None and message.status == 200 and lost[0]:
            lost[0] -= 1
            return None
        return message

    monkeypatch.setattr(sip, "parse", lossy)
    assert same(take(contracts)[0], devices(8))
    assert platform.queries == 1 and not lost[0]


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("truncated", Truncated, "20 of 40"),
        ("dead", Retriable, "does not answer"),
        ("bad_signature", Permanent, "refuses our credentials"),
        ("error_body", Retriable, "could not make"),
        ("html_login", ContractViolation, "cannot be read"),
        ("http_500", Retriable, "503"),
    ],
)
def test_faults_are_told_apart(
    platform: Town,
    contracts: dict[str, Contract],
    faults: Faults,
    fault: str,
    error: type[Exception],
    words: str,
) -> None:
    platform.publish(devices(40))
    faults.set(SYSTEM, fault)
    with pytest.raises(error, match=words):
        take(contracts)
    faults.clear()
    assert same(take(contracts)[0], devices(40))


def test_wrong_password_and_wrong_address(
    platform: Town, contracts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_INDEX_PASSWORD", "wrong")
    with pytest.raises(Permanent, match="refuses our credentials"):
        take(contracts)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    monkeypatch.setenv("VIDEO_INDEX_URL", f"sip://{PLATFORM}@127.0.0.1:{closed}")
    with pytest.raises(Retriable, match="cannot be reached"):
        take(contracts)
    monkeypatch.setenv("VIDEO_INDEX_URL", "http://127.0.0.1")
    with pytest.raises(Permanent, match="no SIP address"):
        take(contracts)


def _hostile(reply: Callable[[str], bytes]) -> tuple[str, Callable[[], None]]:
    """A platform that accepts every query and then sends one body made by `reply(SN)`."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.settimeout(5)

    def work() -> None:
        data, address = server.recvfrom(65_535)
        request = sip.parse(data)
        assert request is not None
        server.sendto(sip.answer(request, 200, "OK"), address)
        serial = re.search(rb"<SN>(\d+)</SN>", data)
        assert serial is not None
        body = reply(serial[1].decode())
        head = f"MESSAGE sip:{HUB}@x SIP/2.0\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\nContent-Length: {len(body)}\r\n\r\n"
        server.sendto(b"\r\n\r\n", address)
        server.sendto(head.encode() + body, address)
        time.sleep(0.1)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()

    def close() -> None:
        thread.join(6)
        server.close()

    return f"sip://{PLATFORM}@127.0.0.1:{server.getsockname()[1]}", close


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    "<Response><CmdType>Catalog</CmdType><SN>{}</SN>&b;</Response>"
)
XXE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><Response><CmdType>&a;</CmdType><SN>{}</SN></Response>'
NO_SUM = "<Response><CmdType>Catalog</CmdType><SN>{}</SN><DeviceList/></Response>"


@pytest.mark.parametrize("body", [LAUGHS, XXE, NO_SUM])
def test_hostile_bodies_are_refused(
    platform: Town, contracts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    url, close = _hostile(lambda serial: body.format(serial).encode())
    monkeypatch.setenv("VIDEO_INDEX_URL", url)
    with pytest.raises(ContractViolation):
        take(contracts)
    close()


def test_bytes_outside_the_encoding_are_visible_to_conform(
    platform: Town, contracts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch
) -> None:
    item = b"<Item><DeviceID>1</DeviceID><Name>a\xffb</Name><Info><P>2</P></Info></Item>"
    head = b"<Response><CmdType>Catalog</CmdType><SN>%s</SN><SumNum>1</SumNum>"
    body = head + b"<DeviceList>" + item + b"</DeviceList></Response>"
    url, close = _hostile(lambda serial: body % serial.encode())
    monkeypatch.setenv("VIDEO_INDEX_URL", url)
    frame, _, _ = take(contracts)
    assert frame["Name"][0] == "a\ufffdb" and frame["Info/P"][0] == "2"
    close()


def test_digest_without_quality_of_protection() -> None:
    """RFC 2069's form, computed here by hand."""
    challenge = 'Digest realm="3301990000", nonce="abc", opaque="o"'
    given_back = sip.digest(challenge, "MESSAGE", "sip:x@y", "u", "p")

    def h(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    expected = h(f"{h('u:3301990000:p')}:abc:{h('MESSAGE:sip:x@y')}")
    assert given_back is not None and f'response="{expected}"' in given_back and 'opaque="o"' in given_back
    assert sip.digest('Digest realm="r", nonce="n", algorithm=SM3', "MESSAGE", "u", "u", "p") is None
    assert sip.digest("Basic realm=x", "MESSAGE", "u", "u", "p") is None


@given(st.binary(max_size=200))
def test_noise_is_no_message(noise: bytes) -> None:
    for datagram in (noise, b"SIP/2.0 " + noise + b"\r\n\r\n", b"MESSAGE x SIP/2.0\r\n" + noise + b"\r\n\r\n"):
        message = sip.parse(datagram)
        assert message is None or message.status or message.method
