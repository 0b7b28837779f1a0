"""One pass of intake and resolution over three upstream systems of every kind; `python worker.py FOLDER DAY`.

A process of its own, so that a crash point may kill it. The upstreams are made from the contracts: a register of
residents that sends changes, the grids that come whole, and reports that are sent until they are acknowledged.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from bench.sample import sample_page
from connectors import intake
from connectors.contract import Contract
from connectors.contract_folder import load_contracts
from connectors.interfaces import PROTOCOLS
from connectors.protocols.base import Page, Pull
from connectors.tables import ensure_tables
from resolution.runner import resolve
from resolution.things import RESIDENTS
from warehouse import connection, ledger

STREAMS = (("household_registry", "residents"), ("grid_map", "grids"), ("snapshot_report", "reports"))
CHUNK_ROWS = 60


@dataclass
class Played:
    """What an upstream sends on a day. Reports come again until they were acknowledged, which outlives us."""

    page: pl.DataFrame
    receipt: Path
    day: int
    queued: bool

    def __post_init__(self) -> None:
        self.state: dict[str, Any] = {"day": self.day}
        self.complete = True

    def pages(self) -> Iterator[Page]:
        taken = self.receipt.exists() and self.day in json.loads(self.receipt.read_text())
        if not (self.queued and taken):
            for first in range(0, len(self.page), 20):
                yield Page(self.page[first : first + 20])

    def acknowledge(self) -> None:
        taken = json.loads(self.receipt.read_text()) if self.receipt.exists() else []
        self.receipt.write_text(json.dumps(sorted({*taken, self.day})))


def page_of(contract: Contract, stream: Any, day: int) -> pl.DataFrame:
    """On the second day some rows are gone, some are new, some have changed and some are bad."""
    page = sample_page(contract, stream, 300, first=40 * (day - 1))
    if day == 1:
        return page
    key = stream.primary_key[0].physical_name
    text = next(c for c in stream.columns if c.logical_type == "string" and not c.semantic_type and not c.codes
                and not c.primary_key)  # fmt: skip
    number = pl.int_range(pl.len())
    changed = page.with_columns(
        pl.when(number % 7 == 0)
        .then(pl.lit("changed"))
        .otherwise(pl.col(text.physical_name))
        .alias(text.physical_name),
        pl.when(number % 90 == 89).then(pl.lit("bad\x00")).otherwise(pl.col(key)).alias(key),
    )
    if stream.cursor is None:
        return changed
    later = pl.col(stream.cursor.physical_name).str.replace("^2026-0[0-9]", "2026-07")
    return changed.with_columns(later)


def run(folder: Path, day: int) -> None:
    """One pass, as the hub does it: what died before is closed, every stream is pulled, identities are resolved."""
    intake.CHUNK_ROWS = CHUNK_ROWS
    contracts = load_contracts()
    with connection.connect("loader") as conn:
        ensure_tables(conn, contracts)
        ledger.close_dead_loads(conn)
    for system, name in STREAMS:
        contract = contracts[system]
        stream = contract.streams[name]

        @contextmanager
        def open_extraction(pull: Pull, contract: Contract = contract) -> Iterator[Played]:
            receipt = folder / f"{pull.stream.system}.json"
            queued = pull.stream.load == "messages"
            yield Played(page_of(contract, pull.stream, day), receipt, day, queued)

        module = types.ModuleType("played_upstream")
        module.open_extraction = open_extraction  # type: ignore[attr-defined]
        sys.modules["played_upstream"] = module
        PROTOCOLS["played"] = "played_upstream"
        servers = {
            key: replace(server, properties={"protocol": "played", "crs": server.crs})
            for key, server in contract.servers.items()
        }
        intake.run_stream(replace(contract, servers=servers), stream, run_id=f"day {day}")
    with connection.connect("builder") as conn:
        for source in RESIDENTS:
            conn.execute(
                f"CREATE OR REPLACE VIEW {source.view} AS SELECT * "
                f"FROM landing.{source.system}__{source.stream} WHERE _to_load IS NULL".encode()
            )
    resolve("residents", run_id=f"day {day}")


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]))
