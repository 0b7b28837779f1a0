"""The webhook receiver, the town's pusher and the pull from the inbox, over real sockets and a real database."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from connectors import inbox
from connectors.contract import Contract, Server
from connectors.contract_folder import SYSTEMS, load_contracts
from connectors.protocols import open_extraction
from connectors.protocols.base import Page, Pull
from connectors.protocols.webhook import Receiver, sign
from connectors.variables import resolve_server
from simulator.faults import Faults
from simulator.servers.webhook import WebhookPusher
from warehouse import connection

SYSTEM = "snapshot_report"


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
def pusher(
    warehouse_url: str, contracts: dict[str, Contract], faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WebhookPusher]:
    receiver = Receiver(0, contracts)
    receiver.start()
    sender = WebhookPusher(faults, SYSTEM, receiver.url, pause=(0.01, 0.05))
    for name, value in sender.environment().items():
        monkeypatch.setenv(name, value)
    sender.start()
    yield sender
    sender.stop()
    receiver.stop()


def take(contracts: dict[str, Contract], **changes: Any) -> tuple[list[Page], dict[str, Any]]:
    stream = contracts[SYSTEM].streams["reports"]
    pull = replace(Pull(stream, resolve_server(contracts[SYSTEM].server_of(stream))), **changes)
    with open_extraction(pull) as extraction:
        pages = list(extraction.pages())
        extraction.acknowledge()
        assert not extraction.complete
        return pages, extraction.state


def ids(pages: list[Page]) -> list[str]:
    return [value for page in pages if page.frame.height for value in page.frame["id"].to_list()]


def delivered(pusher: WebhookPusher, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while pusher.pending:
        assert time.monotonic() < deadline, f"{pusher.pending} pending, last status {pusher.last_status}"
        time.sleep(0.005)


def post(
    pusher: WebhookPusher, body: bytes, *, nonce: str = "n" * 16, age: float = 0, headers: dict[str, str] | None = None,
    to: str = f"/hooks/{SYSTEM}", signed_for: str | None = None,
) -> int:  # fmt: skip
    timestamp = str(int((time.time() - age) * 1000))
    signature = sign(pusher.secret, signed_for or to, timestamp, nonce, body)
    given = {"X-Timestamp": timestamp, "X-Nonce": nonce, "X-Signature": signature}
    return httpx.post(f"{pusher.url}{to}", content=body, headers=given | (headers or {})).status_code


def stored() -> int:
    with connection.connect("loader") as conn:
        row = conn.execute("select count(*) from inbox.message").fetchone()
    assert row is not None
    return int(row[0])


def test_events_arrive_once_in_order_with_their_digits(pusher: WebhookPusher, contracts: dict[str, Contract]) -> None:
    pusher.push([{"id": str(n), "lng": 120.123456789012, "createTime": 1782000000000 + n} for n in range(450)])
    delivered(pusher)
    pages, state = take(contracts)
    assert ids(pages) == [str(n) for n in range(450)]
    assert pages[0].frame["lng"][0] == "120.123456789012" and pages[0].frame["createTime"][1] == "1782000000001"
    assert pages[0].bytes_in > 1000
    assert take(contracts, state=state) == ([], state)
    pusher.push([{"id": "next"}])
    delivered(pusher)
    pages, state = take(contracts, state=state)
    assert ids(pages) == ["next"] and pages[0].frame["mobile"].to_list() == [None], "absent fields are null"


def test_pages_are_bounded(pusher: WebhookPusher, contracts: dict[str, Contract]) -> None:
    pusher.push([{"id": str(n)} for n in range(1000)])
    delivered(pusher)
    pages, _ = take(contracts, page_rows=100)
    assert ids(pages) == [str(n) for n in range(1000)]


@pytest.mark.parametrize(
    ("status", "body", "changes"),
    [
        (200, b'{"id":"1"}', {}),
        (401, b'{"id":"1"}', {"X-Signature": "d3Jvbmc="}),
        (401, b'{"id":"1"}', {"X-Nonce": "other-nonce"}),
        (401, b'{"id":"1"}', {"X-Timestamp": "1"}),
        (401, b"not parsed <!DOCTYPE", {"X-Signature": ""}),
        (400, b"[", {}),
        (400, b"[]", {}),
        (400, b"[1]", {}),
        (400, b'{"id":NaN}', {}),
        (400, json.dumps([{"id": 1}] * 501).encode(), {}),
        (413, b'{"id":"' + b"x" * (1 << 20) + b'"}', {}),
    ],
)
def test_what_is_taken_and_what_is_refused(
    pusher: WebhookPusher, status: int, body: bytes, changes: dict[str, str]
) -> None:
    assert post(pusher, body, headers=changes) == status
    assert stored() == (status == 200)


def test_old_and_future_timestamps_are_refused(pusher: WebhookPusher) -> None:
    assert [post(pusher, b'{"id":"1"}', age=age) for age in (601, -601)] == [401, 401]
    assert [post(pusher, b'{"id":"1"}', age=age, nonce=f"nonce{age:+}".replace("+", "p")) for age in (590, -590)] == [
        200,
        200,
    ]


def test_a_replay_is_refused_even_when_it_races(pusher: WebhookPusher) -> None:
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(post(pusher, b'{"id":"1"}'))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [409] * 7
    assert stored() == 1


def test_unknown_systems_have_no_hook(pusher: WebhookPusher) -> None:
    for path in ("nobody", "police_110", f"{SYSTEM}/nothing"):
        assert httpx.post(f"{pusher.url}/hooks/{path}", content=b"{}").status_code == 404
    assert httpx.get(f"{pusher.url}/hooks/{SYSTEM}").status_code == 405


def test_a_hook_without_secret_takes_nothing(pusher: WebhookPusher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SNAPSHOT_REPORT_SECRET")
    assert post(pusher, b'{"id":"1"}') == 503


@pytest.fixture
def contract_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only contract of the folder in use, which tests break and mend."""
    monkeypatch.setenv("TOWNHUB_SYSTEMS", str(tmp_path))
    path = tmp_path / f"{SYSTEM}.odcs.yaml"
    path.write_bytes((SYSTEMS / path.name).read_bytes())
    return path


def test_a_broken_contract_is_no_reason_to_give_a_delivery_up(
    warehouse_url: str, contract_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = contract_file.read_text(encoding="utf-8")
    contract_file.write_text(whole.replace("primaryKey: true", "primaryKey: false"), encoding="utf-8")
    receiver = Receiver(0)
    receiver.start()
    sender = WebhookPusher(Faults(), SYSTEM, receiver.url)
    monkeypatch.setenv("SNAPSHOT_REPORT_SECRET", sender.secret)
    try:
        answer = httpx.post(f"{receiver.url}/hooks/{SYSTEM}", content=b'{"id":"1"}')
        assert (answer.status_code, answer.headers.get("retry-after")) == (503, "60")
        assert "contract" in answer.json()["error"] and "primary" not in answer.text, "mistakes are not for the sender"
        assert httpx.post(f"{receiver.url}/hooks/nobody", content=b"{}").status_code == 404
        contract_file.write_text(whole, encoding="utf-8")
        assert post(sender, b'{"id":"1"}') == 200, "mended, without a restart"
    finally:
        receiver.stop()
    assert stored() == 1


def test_contracts_are_followed_while_the_receiver_runs(
    warehouse_url: str, contract_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = Receiver(0)
    receiver.start()
    sender = WebhookPusher(Faults(), SYSTEM, receiver.url)
    monkeypatch.setenv("SNAPSHOT_REPORT_SECRET", sender.secret)
    try:
        assert post(sender, b'{"id":"1"}', nonce="nonce-of-one") == 200
        other = contract_file.with_name("other_report.odcs.yaml")
        text = contract_file.read_text(encoding="utf-8")
        other.write_text(
            text.replace(f"id: {SYSTEM}\n", "id: other_report\n").replace("value: 9}", "value: 10}"), encoding="utf-8"
        )
        assert httpx.post(f"{receiver.url}/hooks/other_report", content=b"{}").status_code == 401, "it has a hook now"
        contract_file.unlink()
        assert post(sender, b'{"id":"2"}', nonce="nonce-of-two") == 404
        other.unlink()
        assert post(sender, b'{"id":"3"}', nonce="nonce-of-three") == 503, "a folder emptied by mistake"
    finally:
        receiver.stop()


@pytest.mark.parametrize("fault", ["bad_signature", "truncated", "duplicate_page", "error_body"])
def test_faulty_deliveries_lose_nothing(
    pusher: WebhookPusher, contracts: dict[str, Contract], faults: Faults, fault: str
) -> None:
    faults.set(SYSTEM, fault, times=2)
    pusher.push([{"id": str(n)} for n in range(300)])
    delivered(pusher)
    assert sorted(set(map(int, ids(take(contracts)[0])))) == list(range(300))


def test_an_event_that_is_too_large_does_not_block_the_others(
    pusher: WebhookPusher, contracts: dict[str, Contract]
) -> None:
    pusher.push([{"id": "1"}, {"id": "2", "content": "x" * 2_000_000}, {"id": "3"}])
    delivered(pusher)
    assert ids(take(contracts)[0]) == ["1", "3"] and pusher.refused == 1


def test_events_wait_for_a_hub_that_is_away(
    warehouse_url: str, contracts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = Receiver(0, contracts)
    receiver.start()
    port = receiver.port
    receiver.stop()
    sender = WebhookPusher(Faults(), SYSTEM, receiver.url, pause=(0.01, 0.05))
    monkeypatch.setenv("SNAPSHOT_REPORT_SECRET", sender.secret)
    sender.push([{"id": "1"}])
    sender.start()
    time.sleep(0.2)
    assert sender.pending == 1 and sender.last_status is None
    receiver = Receiver(port, contracts)
    receiver.start()
    delivered(sender)
    sender.stop()
    receiver.stop()
    assert ids(take(contracts)[0]) == ["1"]


def test_systems_and_streams_have_hooks_of_their_own(
    warehouse_url: str, contracts: dict[str, Contract], faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One system that pushes two streams and another beside it: nothing is mixed, and one may be dead alone."""
    base = contracts[SYSTEM]
    reports = base.streams["reports"]
    votes = replace(reports, name="votes", physical_name="vote")
    lamps = replace(reports, system="lamps", name="alarms")
    server = Server("webhook", {**base.server_of(reports).properties, "secret": "${LAMPS_SECRET}"})
    both = {
        SYSTEM: replace(base, streams={"reports": reports, "votes": votes}),
        "lamps": replace(base, id="lamps", streams={"alarms": lamps}, servers={"webhook": server}),
    }
    receiver = Receiver(0, both)
    receiver.start()
    senders = [WebhookPusher(faults, system, receiver.url, pause=(0.01, 0.05)) for system in both]
    try:
        for sender in senders:
            for name, value in sender.environment().items():
                monkeypatch.setenv(name, value)
            sender.start()
        senders[0].push([{"id": "1"}], "report")
        senders[0].push([{"id": "2"}, {"id": "3"}], "vote")
        senders[0].push([{"id": "4"}], "report")
        delivered(senders[0])
        faults.set("lamps", "dead")
        senders[1].push([{"id": "5"}])
        senders[0].push([{"id": "6"}], "vote")
        delivered(senders[0])
        assert senders[1].pending == 1
        faults.clear()
        delivered(senders[1])
    finally:
        for sender in senders:
            sender.stop()
        receiver.stop()
    arrived = {}
    for contract in both.values():
        for stream in contract.streams.values():
            with open_extraction(Pull(stream, resolve_server(contract.server_of(stream)))) as extraction:
                arrived[stream.system, stream.name] = ids(list(extraction.pages()))
    assert arrived == {
        (SYSTEM, "reports"): ["1", "4"], (SYSTEM, "votes"): ["2", "3", "6"], ("lamps", "alarms"): ["5"],
    }  # fmt: skip


def test_a_delivery_is_signed_for_one_hook(pusher: WebhookPusher) -> None:
    """One secret serves all hooks of a system: what was sent to one is no delivery to another, nor its sign of life."""
    own = f"/hooks/{SYSTEM}/report"
    for signed_for in (f"/hooks/{SYSTEM}", f"/hooks/{SYSTEM}/other", "/hooks/lamps/report", ""):
        assert post(pusher, b'{"id":"1"}', to=own, signed_for=signed_for or " ") == 401
    assert stored() == 0
    assert post(pusher, b'{"id":"1"}', to=own) == 200


def test_a_lost_database_connection_is_opened_again(pusher: WebhookPusher, warehouse_url: str) -> None:
    assert post(pusher, b'{"id":"1"}', nonce="first-one") == 200
    with psycopg.connect(warehouse_url, autocommit=True) as conn:
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'townhub-webhook'"
        )
    assert post(pusher, b'{"id":"2"}', nonce="second-one") == 200
    assert stored() == 2


def test_a_message_that_commits_late_is_not_read_past(warehouse_url: str, contracts: dict[str, Contract]) -> None:
    late, early = connection.connect("loader"), connection.connect("loader")
    inbox.store(late, contracts[SYSTEM].streams["reports"], [("slow", b'{"id":"slow"}', {})])
    inbox.store(early, contracts[SYSTEM].streams["reports"], [("fast", b'{"id":"fast"}', {})])
    early.commit()
    seen: list[int] = []
    with connection.connect("loader", autocommit=True) as reader:
        thread = threading.Thread(target=lambda: seen.append(inbox.last_message(reader, SYSTEM, "reports")))
        thread.start()
        thread.join(0.3)
        assert not seen, "the reader waits for the open delivery"
        late.commit()
        thread.join(10)
        assert len(inbox.read(reader, SYSTEM, "reports", 0, 10)) == 2 and seen
    late.close()
    early.close()


def test_messages_that_are_no_objects_become_bad_records(
    warehouse_url: str, contracts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNAPSHOT_REPORT_SECRET", "s")
    payloads = [b'{"id":"1"}', b"\xff", b"7", b"[]", b"{}", b'[{"id":"2"},{"id":3}]', b'{"id":'] * 10
    with connection.connect("loader") as conn:
        assert inbox.store(
            conn, contracts[SYSTEM].streams["reports"], [(str(n), p, {}) for n, p in enumerate(payloads)]
        ) == len(payloads)
    pages, _ = take(contracts)
    assert sum(page.frame.height for page in pages) == 40  # {} is a row of nulls, for conform to judge
    reasons = Counter(bad.reason for page in pages for bad in page.bad)
    assert reasons == {"malformed_json": 20, "undecodable_text": 10}
