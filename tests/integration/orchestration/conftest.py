"""A few real contracts whose upstream systems are played: each gives sample rows, unless a test says what it does."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
import pytest

from bench.sample import sample_page
from connectors.contract import Contract, Stream
from connectors.contract_folder import load_contracts
from connectors.interfaces import PROTOCOLS
from connectors.protocols.base import Page, Pull
from connectors.tables import ensure_tables
from orchestration.pulls import Pulls
from orchestration.report import Silent
from warehouse import connection

SYSTEMS = ("fire_119", "police_110", "death_register", "safety_inspection", "standard_address", "tax_registry")
ROWS = 40

Source = Callable[[Pull], Iterator[Page]]


@dataclass(frozen=True)
class Load:
    """One entry of the ledger."""

    system: str
    stream: str
    state: str
    started: Any
    finished: Any
    error: str | None


@dataclass
class _Extraction:
    pull: Pull
    source: Source
    state: dict[str, Any] = field(default_factory=dict)
    complete: bool = True

    def pages(self) -> Iterator[Page]:
        return self.source(self.pull)

    def acknowledge(self) -> None:
        """Nobody waits for it."""


@dataclass
class Town:
    """The contracts, what their systems do, and the ledger."""

    contracts: dict[str, Contract]
    url: str
    sources: dict[str, Source] = field(default_factory=dict)

    def asked(self, *first: str) -> list[tuple[Contract, Stream]]:
        """Every stream, those of the systems `first` in front."""
        order = sorted(self.contracts, key=lambda system: (system not in first, system))
        return [(self.contracts[s], stream) for s in order for stream in self.contracts[s].streams.values()]

    def pull(self, *first: str) -> Pulls:
        return Pulls("run", self.asked(*first), Silent())

    def give(self, pull: Pull) -> Iterator[Page]:
        """What a healthy system sends."""
        yield Page(sample_page(self.contracts[pull.stream.system], pull.stream, ROWS), bytes_in=100 * ROWS)

    @contextmanager
    def open_extraction(self, pull: Pull) -> Iterator[_Extraction]:
        yield _Extraction(pull, self.sources.get(pull.stream.system, self.give))

    def ask(self, query: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.url) as conn:
            return conn.execute(query.encode(), values or None).fetchall()

    def loads(self, *systems: str) -> list[Load]:
        """The ledger in the order in which loads began; of the given systems, or of all."""
        rows = self.ask(
            "SELECT system, stream, state, started_at, finished_at, error FROM control.load ORDER BY load_id"
        )
        return [Load(*row) for row in rows if not systems or row[0] in systems]

    def others(self, *systems: str) -> list[Load]:
        return [load for load in self.loads() if load.system not in systems]

    def landed(self, stream: Stream) -> int:
        return int(self.ask(f"SELECT count(*) FROM {stream.landing_schema}.{stream.landing_table}")[0][0])


@pytest.fixture
def town(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Town:
    """Upstream systems played in this process; `safety_inspection` and two others have several streams."""
    known = load_contracts()
    played = {}
    for system in SYSTEMS:
        servers = {
            name: replace(server, properties={"protocol": "played", "crs": server.crs})
            for name, server in known[system].servers.items()
        }
        played[system] = replace(known[system], servers=servers)
    made = Town(played, fresh_database)
    module = types.ModuleType("played_town")
    module.open_extraction = made.open_extraction  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "played_town", module)
    monkeypatch.setitem(PROTOCOLS, "played", "played_town")
    with connection.connect("loader") as conn:
        ensure_tables(conn, known)
    return made
