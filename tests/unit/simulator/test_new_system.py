"""A new upstream of a known shape is ONE module: it is served as it declares, and no server is told of it.

Each module is written into a folder of its own, which takes the place of `simulator.systems` for a while.
"""

from __future__ import annotations

import importlib
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import pika
import polars as pl
import psycopg
import pytest

from simulator import systems
from simulator.faults import Faults
from simulator.interfaces import (
    Catalogue,
    CatalogueApi,
    ExchangeTable,
    FileDrop,
    GatewayInterface,
    Hook,
    Interface,
    Queue,
    SoapOperation,
    Topic,
)
from simulator.town import Change, Town
from simulator.upstreams import Upstreams, in_order

MODULE = """
import polars as pl

from simulator.interfaces import *
from simulator.views.base import DEFECTS_SCHEMA, Served

STREAMS = {{}}
SERVED_BY = {declared}


def view(world, *, seed):
    return {{stream: _served(world, 3) for stream in SERVED_BY}}


def _served(world, count):
    rows = pl.DataFrame({{"bh": [f"{{world}}-{{n}}" for n in range(count)], "sj": list(range(count))}})
    return Served(rows, None, pl.DataFrame(schema=DEFECTS_SCHEMA))


{more}
"""
MESSAGES = """
def messages(world, since, until, *, seed):
    return {"readings": _served(world, (until - since).days)}
"""
SHAPES: dict[str, dict[str, Interface]] = {
    "bus": {"stops": ExchangeTable("t_zd", ("bh",)), "boardings": FileDrop("b_*.csv", every=1, total="合计")},
    "canal": {"locks": GatewayInterface("jt/locks"), "ships": GatewayInterface("jt/ships")},
    "drain": {"pumps": SoapOperation("QueryPumps"), "levels": SoapOperation("QueryLevels")},
    "eaves": {"readings": Topic("eaves/r/", "bh"), "devices": Topic("eaves/d/", "bh")},
    "ferry": {"cameras": Catalogue(), "alarms": Hook()},
    "gates": {"cameras": Catalogue()},
    "hall": {"votes": Hook("vote"), "wishes": Hook("wish"), "plan": FileDrop("plan_*.xlsx", every=7)},
    "inlet": {"alerts": Queue("inlet.alerts"), "floods": Queue("inlet.floods")},
    "kiosk": {"lists": CatalogueApi("JH-lists")},
}
ENVIRONMENT = {
    "bus": {"URL", "SFTP", "SFTP_HOST_KEY"},
    "canal": {"URL", "APP_KEY", "APP_SECRET"},
    "drain": {"URL", "USER", "PASSWORD"},
    "eaves": {"URL"},
    "ferry": {"URL", "USER", "PASSWORD", "SECRET"},
    "gates": {"URL", "USER", "PASSWORD"},
    "hall": {"SECRET", "SFTP", "SFTP_HOST_KEY"},
    "inlet": {"URL"},
    "kiosk": {"URL", "APP_ID", "APP_SECRET"},
}


def write(folder: Path, name: str, declared: dict[str, Interface], more: str = "") -> None:
    (folder / f"{name}.py").write_text(MODULE.format(declared=declared, more=more), encoding="utf-8")


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that stands for `simulator/systems`, with a module per shape."""
    folder = tmp_path / "systems"
    folder.mkdir()
    for name, declared in SHAPES.items():
        write(folder, name, declared, MESSAGES if name == "eaves" else "")
    monkeypatch.setattr(systems, "__path__", [str(folder)])
    monkeypatch.setattr(systems, "SYSTEMS", tuple(SHAPES))
    importlib.invalidate_caches()
    yield folder
    for name in SHAPES:
        sys.modules.pop(f"simulator.systems.{name}", None)


@dataclass
class Small:
    """As much of a town as the servers ask for."""

    folder: Path
    today: date = date(2026, 7, 1)

    def served(self, system: str, stream: str) -> Any:
        return systems.view(system, cast(Any, system), seed=1)[stream]

    def now(self) -> dict[tuple[str, str], Change]:
        return {
            (system, stream): Change(None, self.served(system, stream))
            for system, declared in SHAPES.items()
            for stream in declared
        }


@pytest.fixture
def exchange(server_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = f"townhub_up_{secrets.token_hex(4)}"
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f'CREATE DATABASE "{name}"')
    address = urlunsplit(urlsplit(server_url)._replace(path="/" + name))
    monkeypatch.setenv("TOWNHUB_UPSTREAM_DATABASE_URL", address)
    monkeypatch.delenv("TOWNHUB_MQTT_BROKER_URL", raising=False)
    monkeypatch.delenv("TOWNHUB_AMQP_BROKER_URL", raising=False)
    monkeypatch.delenv("TOWNHUB_WEBHOOK_URL", raising=False)
    yield address
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_every_shape_is_served_for_every_module(modules: Path, exchange: str, tmp_path: Path) -> None:
    upstreams = Upstreams(cast(Town, Small(tmp_path)), Faults())
    upstreams.start()
    try:
        named = upstreams.environment()
        assert set(named) == {f"{system.upper()}_{name}" for system, names in ENVIRONMENT.items() for name in names}
        assert named["FERRY_USER"] != named["GATES_USER"]
        with psycopg.connect(exchange) as conn:
            assert conn.execute("SELECT bh, clbz FROM t_zd ORDER BY 1").fetchall()[0] == ("bus-0", "0")
        dropped = tmp_path / "sftp" / "served"
        assert (dropped / "bus" / "b_20260701.csv").read_text("utf-8").splitlines()[-1] == "合计,3条"
        assert (dropped / "hall" / "plan_20260701.xlsx").exists()
        with pika.BlockingConnection(pika.URLParameters(named["INLET_URL"])) as reader:
            alerts = reader.channel().queue_declare("inlet.alerts", passive=True)
        assert alerts.method.message_count == 3
        assert upstreams.outbox == 3 + 2 * 3, "ferry's alarms and hall's two kinds wait for the hub"
    finally:
        upstreams.stop()


def test_a_system_cannot_have_two_servers_of_one_name(modules: Path, exchange: str, tmp_path: Path) -> None:
    write(modules, "gates", {"cameras": Catalogue(), "events": SoapOperation("Query")})
    upstreams = Upstreams(cast(Town, Small(tmp_path)), Faults())
    with pytest.raises(ValueError, match="two servers name GATES_PASSWORD, GATES_URL, GATES_USER"):
        upstreams.environment()


def test_streams_of_messages_hold_all_the_days_that_passed(modules: Path) -> None:
    since = datetime(2026, 7, 1)
    world = cast(Any, "w")
    found = systems.messages("eaves", world, since, since + timedelta(days=5), seed=1)
    assert {stream: served.frame.height for stream, served in found.items()} == {"readings": 5}
    assert systems.messages("bus", world, since, since + timedelta(days=5), seed=1) == {}


def test_a_town_asks_every_module_for_the_days_that_passed(
    modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever defines `messages`; that a view shows one day does not make it lose the others."""
    worlds = iter([SimpleNamespace(today=date(2026, 7, 4), seed=1)])
    monkeypatch.setattr("simulator.town.advance", lambda world, days: next(worlds))
    monkeypatch.setattr("simulator.town.save", lambda world, folder: None)
    town = Town(tmp_path, cast(Any, SimpleNamespace(today=date(2026, 6, 30), seed=1)))
    changes = town.advance(4)
    assert changes["eaves", "readings"].now.frame.height == 4
    assert changes["eaves", "devices"].now.frame.height == 3


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        ([1_750_000_002_000, 1_750_000_001, 1_750_000_003], [1_750_000_001, 1_750_000_002_000, 1_750_000_003]),
        (["2026-07-02", "2026-07-01"], ["2026-07-01", "2026-07-02"]),
    ],
)
def test_events_go_out_in_the_order_of_their_change(moments: list[Any], expected: list[Any]) -> None:
    rows = pl.DataFrame({"sj": moments})
    assert in_order(rows, "sj")["sj"].to_list() == expected
    assert in_order(rows, None).equals(rows)
