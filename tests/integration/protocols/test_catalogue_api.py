"""The catalogue connector against the catalogue server over real sockets, healthy and with every fault of the wire."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import polars as pl
import pytest

from connectors.contract import Column, Server, Stream
from connectors.errors import ContractViolation, Permanent, Retriable, Truncated
from connectors.protocols import catalogue_api, open_extraction
from connectors.protocols import http as http_module
from connectors.protocols.base import Page, Pull
from simulator.faults import Faults
from simulator.interfaces import CatalogueApi
from simulator.servers.catalogue_api import CatalogueApiServer

SHANGHAI = ZoneInfo("Asia/Shanghai")
SYSTEM = "data_centre"


@dataclass
class View:
    frame: pl.DataFrame
    changed_at: str | None = "gxsj"


@dataclass
class Town:
    views: dict[str, View]
    faults: Faults
    server: CatalogueApiServer
    load: str = "changes"
    source: dict[str, Any] = field(default_factory=lambda: {"pageSize": 40})

    def pull(self, since: datetime | None = None, stream: str = "sites", **properties: Any) -> Pull:
        env = self.server.environment()
        wanted = Stream(
            system=SYSTEM,
            name=stream,
            physical_name=stream,
            load=self.load,
            columns=(
                Column("permit_no", "xkzh", "string", "L1", primary_key=True),
                Column("name", "xmmc", "string", "L1"),
                Column("area", "mj", "number", "L1"),
                Column("updated_at", "gxsj", "timestamp", "L1"),
            ),
            source={"interface": f"JH-{stream}"} | self.source,
            server_name="catalogue",
        )
        given = {
            "protocol": "catalogue_api",
            "endpoint": env["DATA_CENTRE_URL"],
            "appId": env["DATA_CENTRE_APP_ID"],
            "appSecret": env["DATA_CENTRE_APP_SECRET"],
            "timezone": "Asia/Shanghai",
        }
        return Pull(wanted, Server("catalogue", given | properties), since)

    def read(self, since: datetime | None = None, **properties: Any) -> list[Page]:
        with open_extraction(self.pull(since, **properties)) as extraction:
            pages = list(extraction.pages())
            extraction.acknowledge()
            return pages


def sites(count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "xkzh": [f"S{i:05d}" for i in range(count)],
            "xmmc": [["东湖路一期", "䶮𠮷]}", '李"四,'][i % 3] for i in range(count)],
            "mj": pl.Series([f"{i}.50" for i in range(count)]).cast(pl.Decimal(18, 2)),
            "gxsj": [datetime(2026, 6, 1, 8) + timedelta(minutes=i) for i in range(count)],
        },
        schema_overrides={"gxsj": pl.Datetime("us")},
    )


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setenv("TOWNHUB_SOURCE_DEADLINE_SECONDS", "4")
    limits = http_module.Limits(deadline=4.0, read=4.0, first_wait=0.01, longest_wait=0.05)
    monkeypatch.setattr(http_module.Limits, "from_environment", classmethod(lambda cls: limits))
    views, faults = {"sites": View(sites(250)), "others": View(sites(7))}, Faults()
    offers = {(SYSTEM, name): CatalogueApi(f"JH-{name}") for name in views}
    server = CatalogueApiServer(lambda system, stream: views[stream], faults, offers)
    server.start()
    try:
        yield Town(views, faults, server)
    finally:
        server.stop()


def keys(pages: list[Page]) -> list[str]:
    return [key for page in pages if page.frame.height for key in page.frame["xkzh"]]


def test_everything_arrives_once_and_exactly(town: Town) -> None:
    pages = town.read()
    assert keys(pages) == town.views["sites"].frame["xkzh"].to_list()
    assert pages[0].frame.row(1, named=True) == {
        "xkzh": "S00001",
        "xmmc": "䶮𠮷]}",
        "mj": "1.50",
        "gxsj": "2026-06-01 08:01:00",
    }
    assert all(kind == pl.String for page in pages for kind in page.frame.dtypes)
    assert keys(town.read(stream="others")) == [f"S{i:05d}" for i in range(7)]


def test_only_changes_at_or_after_the_cursor(town: Town) -> None:
    since = datetime(2026, 6, 1, 12, 0, tzinfo=SHANGHAI)
    assert keys(town.read(since)) == [f"S{i:05d}" for i in range(240, 250)]
    town.load = "snapshot"
    assert len(keys(town.read(since))) == 250


def test_an_empty_source_is_no_error_and_only_a_snapshot_is_complete(town: Town) -> None:
    for load in ("changes", "snapshot"):
        town.load = load
        with open_extraction(town.pull()) as extraction:
            assert len(keys(list(extraction.pages()))) == 250
            assert extraction.complete is (load == "snapshot")
    town.views["sites"] = View(sites(0))
    assert keys(town.read()) == []


def test_the_age_of_the_source_is_its_time_of_update(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """A "daily" feed that nobody fills is old, however promptly it answers."""
    town.read()
    filled = datetime.now(SHANGHAI) - timedelta(days=9)
    entry = town.server._systems[0]._entries["JH-sites"]
    entry.filled = filled
    with open_extraction(town.pull()) as extraction:
        list(extraction.pages())
        told = extraction.source_time  # type: ignore[attr-defined]
    assert told == filled.replace(microsecond=0).astimezone(UTC)
    entry.filled = datetime.now(SHANGHAI) + timedelta(days=2)
    with open_extraction(town.pull()) as extraction:
        list(extraction.pages())
        assert extraction.source_time <= datetime.now(UTC), "a clock that runs fast makes nothing fresh"  # type: ignore[attr-defined]


def test_a_sign_is_used_until_it_ends(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    signs = town.server._systems[0].signs
    with open_extraction(town.pull()) as extraction:
        pages = extraction.pages()
        next(pages)
        assert len(signs) == 1
        clock = time.monotonic
        monkeypatch.setattr("connectors.protocols.catalogue_api.time.monotonic", lambda: clock() + 25 * 60)
        list(pages)
    assert len(signs) == 2, "renewed before its half hour is over"


def test_signs_forgotten_over_there_are_asked_for_again(town: Town) -> None:
    with open_extraction(town.pull()) as extraction:
        pages = extraction.pages()
        read = [next(pages)]
        town.server.forget_signs()
        read += pages
    assert len(keys(read)) == 250


@pytest.mark.parametrize(
    ("fault", "params"),
    [
        ("http_500", {"times": 2}),
        ("http_429", {"times": 2, "retry_after": 0}),
        ("expired_secret", {"times": 1}),
        ("error_body", {"times": 2}),
        ("truncated", {"times": 2}),
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
    assert set(keys(town.read())) == set(town.views["sites"].frame["xkzh"])
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
        ("error_body", {}, Retriable),
        ("expired_secret", {}, Retriable),
        ("html_login", {}, ContractViolation),
        ("bad_signature", {}, Permanent),
        ("removed_column", {"column": "mj"}, ContractViolation),
        ("renamed_column", {"column": "mj", "to": "mianji"}, ContractViolation),
    ],
)
def test_what_stays_is_an_error_in_time(town: Town, fault: str, params: dict[str, Any], error: type[Exception]) -> None:
    town.faults.set(SYSTEM, fault, **params)
    began = time.monotonic()
    with pytest.raises(error) as raised:
        town.read()
    assert time.monotonic() - began < 6
    assert "东湖路" not in str(raised.value)
    town.faults.clear()
    assert len(keys(town.read())) == 250, "the source is well again and must be read at once"


def test_rows_that_come_while_we_read_are_read_too(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The total stands beside the pages: what was declared before the first one is not what holds after the last."""
    town.views["sites"] = View(sites(240))
    with open_extraction(town.pull()) as extraction:
        pages = extraction.pages()
        read = [next(pages)]
        town.views["sites"] = View(sites(290))
        read += pages
    assert set(keys(read)) == {f"S{i:05d}" for i in range(290)}


def test_a_page_that_stays_empty_is_named(town: Town) -> None:
    town.faults.set(SYSTEM, "empty_page")
    with pytest.raises(Retriable, match="page 1 stays empty although 250 rows"):
        town.read()


def test_bytes_of_another_encoding_cost_their_records_only(town: Town) -> None:
    town.faults.set(SYSTEM, "mixed_encoding", share=0.1)
    pages = town.read()
    bad = [b for page in pages for b in page.bad]
    assert bad and {b.reason for b in bad} == {"undecodable_text"}
    assert len(keys(pages)) + len(bad) == 250


def test_wrong_credentials_and_clocks_are_permanent(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ({"appId": "x"}, {"appSecret": "x"}):
        with pytest.raises(Permanent, match="refuses our sign"):
            town.read(**wrong)
    with pytest.raises(Permanent, match="Add appId"):
        town.read(appSecret="")
    with pytest.raises(Permanent, match="clock"):
        town.read(timezone="Europe/Lisbon")  # the same moment, written as an hour of another place


def test_an_entry_that_is_not_there_breaks_the_contract(town: Town) -> None:
    town.source = {"interface": "JH-none"}
    with pytest.raises(ContractViolation, match="40004"):
        town.read()


def test_the_secret_never_travels_and_nothing_is_in_the_address(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[httpx.Request] = []
    real = httpx.Client.stream

    def recorded(self: httpx.Client, method: str, url: str, **kwargs: Any) -> Any:
        sent.append(self.build_request(method, url, data=kwargs["data"]))
        return real(self, method, url, **kwargs)

    monkeypatch.setattr(httpx.Client, "stream", recorded)
    town.read()
    secret = town.server.environment()["DATA_CENTRE_APP_SECRET"]
    assert {request.url.path for request in sent} == {catalogue_api.PATH}
    assert not any(request.url.query or secret.encode() in request.read() for request in sent)
    members = json.loads(httpx.QueryParams(sent[0].read().decode())["param"])
    assert set(members) == {
        *("app_id", "interface_id", "version", "charset", "timestamp", "origin", "sign", "biz_content")
    }
