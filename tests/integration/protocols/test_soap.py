"""The SOAP connector against the fire brigade's service over real sockets, healthy and with every fault."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import polars as pl
import pytest

from connectors.contract import Column, Server, Stream
from connectors.errors import ContractViolation, Permanent, Retriable, Truncated
from connectors.protocols import http as http_module
from connectors.protocols import open_extraction
from connectors.protocols.base import Page, Pull
from connectors.protocols.soap import SoapExtraction
from simulator.faults import Faults
from simulator.interfaces import SoapOperation
from simulator.servers.soap import SoapServer

SHANGHAI = ZoneInfo("Asia/Shanghai")
SYSTEM = "fire_119"


@dataclass
class View:
    frame: pl.DataFrame
    changed_at: str | None = "GXSJ"


@dataclass
class Town:
    view: View
    faults: Faults
    server: SoapServer
    page_size: int = 40

    def pull(self, since: datetime | None = None, **properties: str) -> Pull:
        env = self.server.environment()
        updated_at = Column("updated_at", "GXSJ", "timestamp", "L1")
        stream = Stream(
            system=SYSTEM,
            name="incidents",
            physical_name="QueryIncidents",
            load="changes",
            columns=(
                Column("incident_no", "JQBH", "string", "L2", primary_key=True),
                Column("address", "DZ", "string", "L3"),
                Column("vehicles", "CDCLS", "integer", "L2"),
                updated_at,
            ),
            cursor=updated_at,
            source={"pageSize": self.page_size},
            server_name="soap",
        )
        given = {
            "protocol": "soap",
            "endpoint": env["FIRE_119_URL"],
            "username": env["FIRE_119_USER"],
            "password": env["FIRE_119_PASSWORD"],
            "timezone": "Asia/Shanghai",
        }
        return Pull(stream, Server("soap", given | properties), since)

    def read(self, since: datetime | None = None, **properties: str) -> list[Page]:
        with open_extraction(self.pull(since, **properties)) as extraction:
            pages = list(extraction.pages())
            extraction.acknowledge()
            return pages

    @property
    def answers(self) -> list[str]:
        return [answer for answers in self.server.acknowledged.values() for answer in answers]


def incidents(count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "JQBH": [f"F{i:04d}" for i in range(count)],
            "DZ": [["东湖路<12>号", None, "", "䶮𠮷&巷"][i % 4] for i in range(count)],
            "CDCLS": [i % 5 for i in range(count)],
            "GXSJ": [datetime(2026, 6, 1) + timedelta(hours=i) for i in range(count)],
        },
        schema_overrides={"DZ": pl.String, "GXSJ": pl.Datetime("us")},
    )


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setenv("TOWNHUB_SOURCE_DEADLINE_SECONDS", "4")
    limits = http_module.Limits(deadline=4.0, read=4.0, first_wait=0.01, longest_wait=0.05)
    monkeypatch.setattr(http_module.Limits, "from_environment", classmethod(lambda cls: limits))
    view, faults = View(incidents(100)), Faults()
    server = SoapServer(lambda system, stream: view, faults, SYSTEM, {"incidents": SoapOperation("QueryIncidents")})
    server.start()
    try:
        yield Town(view, faults, server)
    finally:
        server.stop()


def keys(pages: list[Page]) -> list[str]:
    return [key for page in pages if page.frame.height for key in page.frame["JQBH"]]


def test_one_server_answers_several_operations(town: Town) -> None:
    """Each operation has its own records, and a fault may name the stream that it is to hit."""
    other = View(incidents(7))
    town.server.stop()
    offers = {"incidents": SoapOperation("QueryIncidents"), "hydrants": SoapOperation("QueryHydrants")}
    views = {"incidents": town.view, "hydrants": other}
    town.server = SoapServer(lambda system, stream: views[stream], town.faults, SYSTEM, offers)
    town.server.start()
    town.faults.set(SYSTEM, "truncated", stream="hydrants")
    assert len(keys(town.read())) == 100
    pull = town.pull()
    pull = replace(pull, stream=replace(pull.stream, name="hydrants", physical_name="QueryHydrants"))
    with pytest.raises((Truncated, Retriable, ContractViolation)), open_extraction(pull) as extraction:
        list(extraction.pages())
    town.faults.clear()
    with open_extraction(pull) as extraction:
        assert len(keys(list(extraction.pages()))) == 7


def test_everything_arrives_once_and_is_answered(town: Town) -> None:
    pages = town.read()
    assert keys(pages) == town.view.frame["JQBH"].to_list()
    assert pages[0].frame.row(3, named=True) == {
        "JQBH": "F0003",
        "DZ": "䶮𠮷&巷",
        "CDCLS": "3",
        "GXSJ": "2026-06-01 03:00:00",
    }
    assert pages[0].frame["DZ"].to_list()[:3] == ["东湖路<12>号", None, ""]
    assert town.answers == ["OK"] * 3


def test_only_changes_at_or_after_the_cursor(town: Town) -> None:
    assert keys(town.read(datetime(2026, 6, 5, 2, tzinfo=SHANGHAI))) == ["F0098", "F0099"]
    town.view.frame = incidents(0)
    assert keys(town.read()) == []


def test_nothing_is_answered_before_the_commit_and_answering_twice_is_safe(town: Town) -> None:
    with open_extraction(town.pull()) as extraction:
        list(extraction.pages())
        assert town.answers == []
        extraction.acknowledge()
        extraction.acknowledge()
    assert town.answers == ["OK"] * 6


def test_a_damaged_batch_is_answered_not_ok_and_asked_for_again(town: Town) -> None:
    town.faults.set(SYSTEM, "truncated", times=2)
    assert set(keys(town.read())) == set(town.view.frame["JQBH"])
    assert sorted(town.answers) == ["NOTOK"] * 2 + ["OK"] * 3


@pytest.mark.parametrize(
    ("fault", "times"),
    [("http_500", 2), ("reset", 2), ("empty_page", 2), ("duplicate_page", 1), ("error_body", 2)],
)
def test_what_passes_costs_no_row(town: Town, fault: str, times: int) -> None:
    town.faults.set(SYSTEM, fault, times=times)
    assert set(keys(town.read())) == set(town.view.frame["JQBH"])
    assert fault not in town.faults.active(SYSTEM)


@pytest.mark.parametrize(
    ("fault", "params", "error"),
    [
        ("http_500", {}, Retriable),
        ("http_429", {"retry_after": 60}, Retriable),
        ("timeout", {"seconds": 6}, Retriable),
        ("slow_drip", {"seconds": 30}, Retriable),
        ("reset", {}, Retriable),
        ("dead", {}, Retriable),
        ("truncated", {}, Truncated),
        ("empty_page", {}, Retriable),
        ("duplicate_page", {}, Retriable),
        ("error_body", {}, Retriable),
        ("html_login", {}, ContractViolation),
        ("bad_signature", {}, Permanent),
        ("removed_column", {"column": "DZ"}, ContractViolation),
    ],
)
def test_what_stays_is_an_error_in_time(town: Town, fault: str, params: dict[str, Any], error: type[Exception]) -> None:
    town.faults.set(SYSTEM, fault, **params)
    began = time.monotonic()
    with pytest.raises(error) as raised:
        town.read()
    assert time.monotonic() - began < 6
    assert "东湖路" not in str(raised.value)
    assert "OK" not in town.answers
    town.faults.clear()
    assert len(keys(town.read())) == 100


def test_bytes_of_another_encoding_cost_their_records_only(town: Town) -> None:
    town.faults.set(SYSTEM, "mixed_encoding", share=0.1)
    pages = town.read()
    bad = [b for page in pages for b in page.bad]
    assert bad and {b.reason for b in bad} == {"undecodable_text"}
    assert len(keys(pages)) + len(bad) == 100


def test_wrong_password_is_told_apart(town: Town) -> None:
    with pytest.raises(Permanent, match="refuses our credentials"):
        town.read(password="wrong")  # pragma: allowlist secret


def test_a_token_is_good_once(town: Town) -> None:
    with open_extraction(town.pull()) as extraction:
        assert isinstance(extraction, SoapExtraction)
        request = extraction._envelope("QueryIncidents", {"page": "1"})
    url = town.server.environment()["FIRE_119_URL"]
    first, again = (httpx.post(url, content=request, trust_env=False) for _ in range(2))
    assert first.status_code == 200
    assert again.status_code == 500 and "FailedAuthentication" in again.text
