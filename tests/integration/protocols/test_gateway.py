"""The gateway connector against the gateway server over real sockets, healthy and with every fault of the wire."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import polars as pl
import pytest

from connectors.contract import Column, Server, Stream
from connectors.errors import ContractViolation, Permanent, Retriable, Truncated
from connectors.protocols import http as http_module
from connectors.protocols import open_extraction
from connectors.protocols.base import Answered, Page, Pull
from connectors.protocols.gateway_token import signed
from connectors.protocols.signers import signer_of
from simulator.faults import Faults
from simulator.interfaces import GatewayInterface
from simulator.servers.gateway import GatewayServer

SHANGHAI = ZoneInfo("Asia/Shanghai")
SYSTEM = "welfare_payment"
PATH = "/gateway/api/mz/dataSharing/payments.htm"


@dataclass
class View:
    """The rows served, as a test may change them."""

    frame: pl.DataFrame
    changed_at: str | None = "gxsj"


@dataclass
class Town:
    """A gateway with one system and what the connector needs to ask it."""

    views: dict[str, View]
    faults: Faults
    server: GatewayServer
    page_size: int = 40
    load: str = "changes"
    source: dict[str, Any] = field(default_factory=dict)

    def pull(self, since: datetime | None = None, **properties: str) -> Pull:
        env = self.server.environment()
        stream = Stream(
            system=SYSTEM,
            name="payments",
            physical_name="payments",
            load=self.load,
            columns=(
                Column("payment_no", "zfbh", "string", "L3", primary_key=True),
                Column("name", "xm", "string", "L4"),
                Column("amount", "je", "number", "L4"),
                Column("updated_at", "gxsj", "timestamp", "L1"),
            ),
            source={"interface": "mz/payments", "pageSize": self.page_size} | self.source,
            server_name="gateway",
        )
        server = Server(
            "gateway",
            {
                "protocol": "gateway",
                "endpoint": env["WELFARE_PAYMENT_URL"],
                "appKey": env["WELFARE_PAYMENT_APP_KEY"],
                "appSecret": env["WELFARE_PAYMENT_APP_SECRET"],
                "timezone": "Asia/Shanghai",
            }
            | properties,
        )
        return Pull(stream, server, since, page_rows=100)

    def read(self, since: datetime | None = None) -> list[Page]:
        with open_extraction(self.pull(since)) as extraction:
            pages = list(extraction.pages())
            extraction.acknowledge()
            return pages


def payments(count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "zfbh": [f"P{i:05d}" for i in range(count)],
            "xm": [["王伟", "䶮𠮷", '李"四,'][i % 3] for i in range(count)],
            "je": pl.Series([f"{i}.50" for i in range(count)]).cast(pl.Decimal(18, 2)),
            "gxsj": [datetime(2026, 6, 1, 8) + timedelta(minutes=i) for i in range(count)],
        },
        schema_overrides={"gxsj": pl.Datetime("us")},
    )


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setenv("TOWNHUB_SOURCE_DEADLINE_SECONDS", "4")
    monkeypatch.setattr(http_module.Limits, "__init__", _quick_limits(http_module.Limits.__init__))
    views = {"payments": View(payments(250))}
    faults = Faults()
    server = GatewayServer(
        lambda system, stream: views[stream],
        faults,
        {(SYSTEM, "payments"): GatewayInterface("mz/payments")},
    )
    server.start()
    try:
        yield Town(views, faults, server)
    finally:
        server.stop()


def _quick_limits(init: Any) -> Any:
    def quick(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **({"first_wait": 0.01, "longest_wait": 0.05} | kwargs))

    return quick


def keys(pages: list[Page]) -> list[str]:
    return [key for page in pages if page.frame.height for key in page.frame["zfbh"]]


def test_everything_arrives_once_and_exactly(town: Town) -> None:
    pages = town.read()
    assert keys(pages) == town.views["payments"].frame["zfbh"].to_list()
    first = pages[0].frame.row(1, named=True)
    assert first == {"zfbh": "P00001", "xm": "䶮𠮷", "je": "1.50", "gxsj": "2026-06-01 08:01:00"}
    assert all(kind == pl.String for page in pages for kind in page.frame.dtypes)
    assert max(page.frame.height for page in pages) <= 100
    assert town.server.token_calls(SYSTEM) == 1


def test_only_changes_at_or_after_the_cursor(town: Town) -> None:
    since = datetime(2026, 6, 1, 12, 0, tzinfo=SHANGHAI)
    assert keys(town.read(since)) == [f"P{i:05d}" for i in range(240, 250)]


def test_an_empty_source_is_no_error_and_only_a_snapshot_is_complete(town: Town) -> None:
    for load in ("changes", "snapshot"):
        town.load = load
        with open_extraction(town.pull()) as extraction:
            assert len(keys(list(extraction.pages()))) == 250
            assert extraction.complete is (load == "snapshot")
    town.views["payments"] = View(payments(0))
    assert keys(town.read()) == []


def test_list_payload_is_read_like_text(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some clones of the gateway send ``datas`` as an array."""
    from simulator.servers import gateway

    real = gateway._body

    def as_list(records: bytes, count: int, total: int, pages: int) -> bytes:
        return real(b"[]", count, total, pages).replace(b'"[]"', records)

    monkeypatch.setattr(gateway, "_body", as_list)
    pages = town.read()
    assert len(keys(pages)) == 250
    assert pages[0].frame["je"][1] == "1.50"


def test_one_broker_for_all_threads(town: Town) -> None:
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda _: len(keys(town.read())), range(8)))
    assert rows == [250] * 8
    assert town.server.token_calls(SYSTEM) == 1


def test_the_secret_is_renewed_with_the_refresh_secret(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    from connectors.protocols.gateway_token import TokenBroker

    real = TokenBroker._ask

    def recorded(self: TokenBroker, http: Any, call: str, secret: str) -> Any:
        asked.append(call)
        return real(self, http, call, secret)

    monkeypatch.setattr(TokenBroker, "_ask", recorded)
    town.read()
    clock = time.monotonic
    monkeypatch.setattr("connectors.protocols.gateway_token.time.monotonic", lambda: clock() + 12.5 * 60)
    assert len(keys(town.read())) == 250
    assert asked == ["refreshTokenByKey", "refreshTokenBySec"]


def test_secrets_forgotten_by_the_gateway_are_fetched_again(town: Town) -> None:
    town.read()
    town.server._systems[0].application.request.clear()
    town.server._systems[0].application.refresh.clear()
    assert len(keys(town.read())) == 250
    assert town.server.token_calls(SYSTEM) == 3


@pytest.mark.parametrize(
    ("fault", "params"),
    [
        ("http_500", {"times": 2}),
        ("expired_secret", {"times": 1}),
        ("truncated", {"times": 2}),
        ("http_429", {"times": 2, "retry_after": 0}),
        ("reset", {"times": 2}),
        ("empty_page", {"times": 3}),
        ("duplicate_page", {"times": 1}),
        ("shifting_pages", {"times": 1, "rows": 3}),
        ("shifting_pages", {"times": 2, "rows": 30}),
        ("slow_drip", {"times": 1, "seconds": 0.3}),
    ],
)
def test_what_passes_costs_no_row(town: Town, fault: str, params: dict[str, Any]) -> None:
    town.faults.set(SYSTEM, fault, **params)
    read = keys(town.read())
    assert set(read) == set(town.views["payments"].frame["zfbh"])
    assert fault not in town.faults.active(SYSTEM)


@pytest.mark.parametrize(
    ("fault", "params", "error"),
    [
        ("http_500", {}, Retriable),
        ("http_429", {"retry_after": 60}, Retriable),
        ("reset", {}, Retriable),
        ("timeout", {"seconds": 6}, Retriable),
        ("slow_drip", {"seconds": 30}, Retriable),
        ("dead", {}, Retriable),
        ("empty_page", {}, Retriable),
        ("duplicate_page", {}, Retriable),
        ("shifting_pages", {"rows": 7}, Retriable),
        ("truncated", {}, Truncated),
        ("html_login", {}, ContractViolation),
        ("error_body", {}, ContractViolation),
        ("bad_signature", {}, Permanent),
        ("expired_secret", {}, Retriable),
        ("removed_column", {"column": "je"}, ContractViolation),
        ("renamed_column", {"column": "je", "to": "jine"}, ContractViolation),
    ],
)
def test_what_stays_is_an_error_in_time(town: Town, fault: str, params: dict[str, Any], error: type[Exception]) -> None:
    town.faults.set(SYSTEM, fault, **params)
    began = time.monotonic()
    with pytest.raises(error) as raised:
        town.read()
    assert time.monotonic() - began < 6
    assert "王伟" not in str(raised.value)
    town.faults.clear()
    assert len(keys(town.read())) == 250, "the source is well again and must be read at once"


def test_a_slow_source_is_only_probed(town: Town) -> None:
    town.faults.set(SYSTEM, "http_500")
    with pytest.raises(Retriable):
        town.read()
    served = []
    town.faults.subscribe(lambda: served.append(1))
    town.faults.set(SYSTEM, "http_500", times=100)
    with pytest.raises(Retriable):
        town.read()
    assert town.faults.active(SYSTEM)["http_500"]["times"] == 99


def test_a_probing_pull_tries_once_until_the_source_answers(town: Town) -> None:
    """What the ledger knows of the source's last loads, a new process does too."""
    town.faults.set(SYSTEM, "http_500", times=100)
    town.page_size = 5
    probing = replace(town.pull(), probing=True, page_rows=5)
    with pytest.raises(Retriable), open_extraction(probing) as extraction:
        list(extraction.pages())
    assert town.faults.active(SYSTEM)["http_500"]["times"] == 99
    town.faults.clear()
    with open_extraction(probing) as extraction:
        pages = extraction.pages()
        first = next(pages)
        town.faults.set(SYSTEM, "http_500", times=2)
        rest = list(pages)
    assert len(keys([first, *rest])) == 250, "all tries are back with the first answer"
    assert "http_500" not in town.faults.active(SYSTEM)


def test_the_renamed_column_is_named(town: Town) -> None:
    town.faults.set(SYSTEM, "renamed_column", column="je", to="jine")
    with pytest.raises(ContractViolation, match=r"no longer has je and has the new jine"):
        town.read()


def test_a_new_column_is_kept(town: Town) -> None:
    town.faults.set(SYSTEM, "added_column")
    assert "xzzd" in town.read()[0].frame.columns


def test_bytes_of_another_encoding_cost_their_records_only(town: Town) -> None:
    town.faults.set(SYSTEM, "mixed_encoding", share=0.1)
    pages = town.read()
    bad = [b for page in pages for b in page.bad]
    assert bad and {b.reason for b in bad} == {"undecodable_text"}
    assert len(keys(pages)) + len(bad) == 250


def test_an_oversized_field_costs_its_record_only(town: Town) -> None:
    town.faults.set(SYSTEM, "oversized_field", size=3_000_000, column="xm")
    pages = town.read()
    bad = [b for page in pages for b in page.bad]
    assert [b.reason for b in bad] == ["oversized_field"]
    assert len(keys(pages)) == 249


def test_true_duplicates_of_the_source_are_accepted(town: Town) -> None:
    frame = payments(250)
    twice = frame[100:103].with_columns(xm=pl.lit("另名"), gxsj=pl.lit(datetime(2026, 6, 9)))
    town.views["payments"] = View(pl.concat([frame, twice]))
    read = keys(town.read())
    assert set(read) == set(frame["zfbh"])


def test_rows_appended_while_reading_are_no_gap(town: Town) -> None:
    town.page_size = 10
    grown = threading.Event()
    real = town.views["payments"].frame

    def grow() -> None:
        time.sleep(0.03)
        more = payments(255)[250:].with_columns(gxsj=pl.lit(datetime(2026, 6, 9)))
        town.views["payments"].frame = pl.concat([real, more])
        grown.set()

    thread = threading.Thread(target=grow)
    thread.start()
    read = keys(town.read())
    thread.join()
    assert set(real["zfbh"]) <= set(read)


def test_lookups_ask_per_value(town: Town, tmp_path: Path) -> None:
    values = tmp_path / "values.txt"
    values.write_text("p00007\nP00009\nP99999\n\nP00009\n")
    town.server.stop()
    interfaces = {(SYSTEM, "payments"): GatewayInterface("mz/payments", lookup="zfbh")}
    town.server = GatewayServer(lambda s, n: town.views[n], town.faults, interfaces, tmp_path)
    town.server.start()
    town.source = {"lookup": {"parameter": "zfbh", "values": str(values)}}
    pages = town.read()
    assert keys(pages) == ["P00007", "P00009"]
    answers = [answer for page in pages for answer in page.answers]
    assert answers == [Answered("P00007", 1, 0), Answered("P00009", 1, 0), Answered("P99999", 0, 0)]
    due = replace(town.pull(), due=lambda wanted: [value for value in wanted if value != "P00007"])
    with open_extraction(due) as extraction:
        assert keys(list(extraction.pages())) == ["P00009"]
        assert not extraction.complete, "absence says nothing of those who were not asked"
    written = Path(town.server.environment()["WELFARE_PAYMENT_LOOKUPS"]).read_text().split()
    assert len(written) == 250
    town.source = {"lookup": {"parameter": "zfbh", "values": str(tmp_path / "none")}}
    with pytest.raises(Permanent, match="lookup values"):
        town.read()


def with_signer(town: Town, signer: str) -> None:
    town.server.stop()
    offers = {(SYSTEM, "payments"): GatewayInterface("mz/payments", signer=signer)}
    town.server = GatewayServer(lambda system, stream: town.views[stream], town.faults, offers)
    town.server.start()


FIXED = ("sha1", "hmac_sha256", "hmac_sm3")
SKEW = {"sha1": 3600, "hmac_sha256": 600, "hmac_sm3": 600}


@pytest.mark.parametrize("signer", FIXED)
def test_every_signer_reads_everything(town: Town, signer: str) -> None:
    with_signer(town, signer)
    town.faults.set(SYSTEM, "reset", times=2)
    town.faults.set(SYSTEM, "http_500", times=1)
    with open_extraction(town.pull(signer=signer)) as extraction:
        assert len(set(keys(list(extraction.pages())))) == 250, "a try after a failure is signed anew"
    assert town.server.token_calls(SYSTEM) == 0


@pytest.mark.parametrize("signer", [*FIXED, "md5_rotating"])
@pytest.mark.parametrize("spoiled", ["appKey", "appSecret", "fault", "signer"])
def test_every_signer_is_refused_what_is_wrong(town: Town, signer: str, spoiled: str) -> None:
    with_signer(town, signer)
    properties = {"signer": signer}
    if spoiled == "fault":
        town.faults.set(SYSTEM, "bad_signature")
    elif spoiled == "signer":
        with_signer(town, next(other for other in ("hmac_sm3", "sha1") if other != signer))
    else:
        properties[spoiled] = "wrong"
    with pytest.raises(Permanent, match="signature"), open_extraction(town.pull(**properties)) as extraction:
        list(extraction.pages())


@pytest.mark.parametrize("signer", FIXED)
@pytest.mark.parametrize("ahead", [-1, 1])
def test_times_out_of_date_are_refused(town: Town, signer: str, ahead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with_signer(town, signer)
    for seconds, good in ((SKEW[signer] - 20, True), (SKEW[signer] + 20, False)):
        moment = time.time_ns() // 1_000_000 + ahead * seconds * 1000
        monkeypatch.setattr("connectors.protocols.signers._milliseconds", lambda moment=moment: str(moment))
        with open_extraction(town.pull(signer=signer)) as extraction:
            if good:
                assert len(keys(list(extraction.pages()))) == 250
            else:
                with pytest.raises(Permanent, match="clock"):
                    list(extraction.pages())


@pytest.mark.parametrize("signer", ["hmac_sha256", "hmac_sm3"])
def test_a_nonce_is_good_once(town: Town, signer: str) -> None:
    with_signer(town, signer)
    env = town.server.environment()
    made = signer_of(signer, "", env["WELFARE_PAYMENT_APP_KEY"], env["WELFARE_PAYMENT_APP_SECRET"])
    headers = made.sign(None, None).headers()  # type: ignore[arg-type]
    codes = [
        httpx.post(env["WELFARE_PAYMENT_URL"] + PATH, headers=sent, trust_env=False).json()["code"]
        for sent in (headers, headers, headers | {"X-Nonce": "another"})
    ]
    assert codes == ["00", "14", "14"]


def test_hosts_outside_the_contract_are_refused(town: Town) -> None:
    pull = town.pull(allowedHosts=["gateway.example"])  # type: ignore[arg-type]
    with pytest.raises(Permanent, match="allowedHosts"), open_extraction(pull):
        pass


def test_the_server_checks_signatures_itself(town: Town) -> None:
    env = town.server.environment()
    form = signed(env["WELFARE_PAYMENT_APP_KEY"], "not the secret") | {"pageNum": "1"}
    answer = httpx.post(env["WELFARE_PAYMENT_URL"] + PATH, data=form, trust_env=False).json()
    assert answer["code"] == "14"
    assert answer["datas"] is None
