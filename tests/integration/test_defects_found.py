"""`townhub bench defects` on a small town: each planted defect ends as declared, nothing else is reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest

from bench import defects
from connectors.contract import Column
from connectors.contract_folder import load_contracts

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOWNHUB_")}
    command = [sys.executable, "-m", "orchestration.cli", "bench", "defects", "--scale", "0.01", "--json"]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_every_kind_is_found_and_nothing_else(told: dict[str, Any]) -> None:
    kinds = told["kinds"]
    assert len(kinds) >= 15
    short = {kind: one for kind, one in kinds.items() if min(one["recall"], one["precision"]) < defects.AIM}
    assert short == {}
    assert {outcome for one in kinds.values() for outcome in one["outcomes"]} == {
        "corrected", "withheld", "quarantined"
    }  # fmt: skip


def test_the_declared_outcome_is_the_contracts() -> None:
    withheld = Column("a", "a", "string", "L1", on_invalid="withhold")
    kept = Column("b", "b", "string", "L1")
    assert defects.declared("unknown_code", withheld) == "withheld"
    assert defects.declared("unknown_code", kept) == "quarantined"
    assert defects.declared("missing_required", withheld) == "quarantined"
    assert defects.declared("swapped_coordinates", kept) == "corrected"


def test_a_defect_that_is_missed_and_one_that_is_made_up_lower_the_figures(fresh_database: str) -> None:
    """Nothing was taken in: what is planted is not found, and a row held without a defect counts against precision."""
    contracts = {name: load_contracts()[name] for name in ("police_110",)}
    from connectors.tables import ensure_tables
    from warehouse import connection

    with connection.connect("loader") as conn:
        ensure_tables(conn, contracts)
    place = {"system": "police_110", "stream": "incidents", "column": "state", "kind": "unknown_code"}
    planted = pl.DataFrame([place | {"record_key": "1"}, place | {"record_key": "2"}])
    with psycopg.connect(fresh_database) as conn:
        nothing = defects.score(conn, contracts, planted)["unknown_code"]
        assert (nothing.planted, nothing.recall, nothing.good) == (2, 0.0, False)
        for key in ("2", "3"):
            conn.execute(
                "INSERT INTO quarantine.row (system, stream, load_id, record_key, payload_digest, reasons)"
                " VALUES ('police_110', 'incidents', 1, %s, %s, '{state:unknown_code}')",
                [key, key.encode()],
            )
        half = defects.score(conn, contracts, planted)["unknown_code"]
    assert (half.recall, half.precision, half.good) == (0.5, 0.5, False)
