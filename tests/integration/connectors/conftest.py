# ruff: noqa: E501 (the contract stands as contracts are written: a column a line)
"""An upstream system that does exactly what a test says, and a contract for it in a folder of its own."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from psycopg import sql

from connectors.contract import Contract, Stream
from connectors.contract_folder import load_contracts
from connectors.intake import LoadResult, run_stream
from connectors.interfaces import PROTOCOLS
from connectors.protocols.base import BadRecord, Page, Pull
from connectors.tables import ensure_tables, table_of
from warehouse import connection

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: demo
name: a system that tests play
version: 1.0.0
status: active
domain: service
description: {purpose: tests, limitations: none}
team: {name: the testers}
customProperties:
  - {property: legalBasis, value: none-needed}
  - {property: purposes, value: [event_handling]}
servers:
  - server: any
    type: custom
    customProperties:
      - {property: protocol, value: gateway}
      - {property: endpoint, value: "http://played.by.the.test"}
      - {property: timezone, value: Asia/Shanghai}
slaProperties:
  - {property: frequency, value: 1, unit: hour}
  - {property: latency, value: 1, unit: day}
  - {property: retention, value: 1, unit: year}
schema:
  - name: people
    physicalName: ry
    customProperties:
      - {property: load, value: changes}
      - {property: cursor, value: changed_at}
      - {property: expires, value: changed_at}
    properties:
      - {name: id, physicalName: bh, logicalType: string, primaryKey: true, required: true, classification: L1}
      - {name: name, physicalName: xm, logicalType: string, semanticType: cn.person_name, classification: L4, tags: [sensitive]}
      - {name: state, physicalName: zt, logicalType: string, classification: L1, customProperties: [{property: codes, value: {"1": here, "2": gone}}]}
      - {name: changed_at, physicalName: gxsj, logicalType: timestamp, required: true, classification: L1}
  - name: register
    physicalName: dj
    customProperties:
      - {property: load, value: snapshot}
    properties:
      - {name: id, physicalName: bh, logicalType: string, primaryKey: true, required: true, classification: L1}
      - {name: value, physicalName: z, logicalType: string, classification: L2}
      - {name: seen_at, physicalName: sj, logicalType: timestamp, classification: L1}
      - {name: sent_at, physicalName: fs, logicalType: timestamp, classification: L1, logicalTypeOptions: {format: epoch}}
      - {name: paid, physicalName: je, logicalType: number, semanticType: cn.amount, classification: L2, customProperties: [{property: unit, value: yuan}]}
"""


@dataclass
class Upstream:
    """What the next pulls give: pages, or an exception to be raised instead of one, or a call in between."""

    scripts: list[list[Any]] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)
    complete: bool = True
    out_of_sight: list[Page] = field(default_factory=list)
    """What a second reading of a register gives beside the first."""
    readings: int = 0
    """How often there was a second one."""
    on_acknowledge: Callable[[], None] = lambda: None
    pulls: list[Pull] = field(default_factory=list)
    acknowledged: int = 0

    def gives(self, *items: Any) -> None:
        self.scripts.append(list(items))

    @contextmanager
    def open_extraction(self, pull: Pull) -> Iterator[_Extraction]:
        self.pulls.append(pull)
        yield _Extraction(self, self.scripts.pop(0), self.state, self.complete)


@dataclass
class _Extraction:
    upstream: Upstream
    script: list[Any]
    state: dict[str, Any]
    complete: bool

    def pages(self) -> Iterator[Page]:
        for item in self.script:
            if isinstance(item, BaseException):
                raise item
            if callable(item):
                item()
            else:
                yield item

    def again(self) -> Iterator[Page]:
        self.upstream.readings += 1
        yield from self.upstream.out_of_sight

    def acknowledge(self) -> None:
        self.upstream.on_acknowledge()
        self.upstream.acknowledged += 1


def page(*rows: dict[str, str | None], bad: tuple[BadRecord, ...] = ()) -> Page:
    names = dict.fromkeys(name for row in rows for name in row)
    return Page(pl.DataFrame(list(rows), schema=dict.fromkeys(names, pl.String)), bad, bytes_in=100 * len(rows))


@dataclass
class Hub:
    """The intake of one stream as tests see it."""

    upstream: Upstream
    folder: Path
    url: str
    name: str = "people"

    @property
    def contract(self) -> Contract:
        return load_contracts(self.folder)["demo"]

    @property
    def stream(self) -> Stream:
        return self.contract.streams[self.name]

    def run(self) -> LoadResult:
        return run_stream(self.contract, self.stream, run_id="test")

    def take(self, *items: Any) -> LoadResult:
        self.upstream.gives(*items)
        return self.run()

    def mend(self, old: str, new: str) -> None:
        path = self.folder / "demo.odcs.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        self.ensure()

    def ensure(self) -> None:
        with connection.connect("loader") as conn:
            ensure_tables(conn, {"demo": self.contract})

    def ask(self, query: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.url) as conn:
            return conn.execute(query.encode(), values or None).fetchall()

    def current(self) -> list[tuple[Any, ...]]:
        ours = [sql.Identifier(column.name) for column in self.stream.columns]
        with psycopg.connect(self.url) as conn:
            return conn.execute(
                sql.SQL("SELECT {} FROM {} WHERE _to_load IS NULL ORDER BY 1").format(
                    sql.SQL(", ").join(ours), table_of(self.stream)
                )
            ).fetchall()

    def loads(self) -> list[tuple[str, int, int, int, int]]:
        """(state, in, landed, unchanged, quarantined) of each load, oldest first."""
        return self.ask(
            "SELECT state, rows_in, rows_landed, rows_unchanged, rows_quarantined FROM control.load ORDER BY load_id"
        )

    def cursor(self) -> dict[str, Any] | None:
        rows = self.ask("SELECT value FROM control.cursor WHERE stream = %s", self.name)
        return rows[0][0] if rows else None


@pytest.fixture
def hub(fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The stream `people` of the system `demo`, its table made, its upstream played by the test."""
    (tmp_path / "demo.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    monkeypatch.setenv("TOWNHUB_SYSTEMS", str(tmp_path))
    monkeypatch.setattr("connectors.intake.time.sleep", lambda seconds: None)
    upstream = Upstream()
    module = types.ModuleType("played_upstream")
    module.open_extraction = upstream.open_extraction  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "played_upstream", module)
    monkeypatch.setitem(PROTOCOLS, "gateway", "played_upstream")
    made = Hub(upstream, tmp_path, fresh_database)
    made.ensure()
    return made


@pytest.fixture
def register(hub: Hub) -> Hub:
    """The stream `register`: a snapshot without a time of change."""
    hub.name = "register"
    return hub


@pytest.fixture
def make_page() -> Callable[..., Page]:
    return page
