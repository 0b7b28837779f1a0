"""The malformed inputs that are read, landed for once: what lands and what is held is what came in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from connectors.contract import Contract
from connectors.landing import Lander
from connectors.tables import ensure_tables, table_of
from tests.corpus.cases import Case, Read, server, stream
from tests.corpus.run import Runner, corpus, running
from warehouse import connection, ledger

CASES = [case for case in corpus() if isinstance(case.ends, Read) and not case.options.get("grouped")]


@pytest.fixture
def loader(fresh_database: str) -> Any:
    with connection.connect("loader") as conn:
        yield conn


@pytest.mark.parametrize("shape", sorted({case.shape for case in CASES}))
def test_rows_in_are_rows_landed_and_rows_held(shape: str, loader: psycopg.Connection, tmp_path: Path) -> None:
    """Every third case: each reason and each odd value is among them by several ways in."""
    of = stream(shape)
    contract = Contract(
        "corpus", "", "1.0.0", "", "", "", "", "", (), 3600, 3600, 30, {"any": server("sftp")}, {shape: of}
    )
    ensure_tables(loader, {"corpus": contract})
    with connection.connect("loader", autocommit=True) as books, running(tmp_path) as runner:
        load_id = ledger.open_load(books, system="corpus", stream=shape, contract_version="1.0.0")
        for case in [case for case in CASES if case.shape == shape][::3]:
            _land(loader, load_id, case, runner)


def _land(conn: psycopg.Connection, load_id: int, case: Case, runner: Runner) -> None:
    of = stream(case.shape)
    lander = Lander(conn, of, load_id, "1.0.0")
    for page in runner.conformed(case):
        lander.add(page)
    landed = lander.finish(complete=False)
    assert isinstance(case.ends, Read)
    assert landed.rows_in == case.ends.rows == landed.landed + landed.unchanged + landed.quarantined, case.name
    assert landed.quarantined == len(case.ends.held), case.name
    held = conn.execute("SELECT coalesce(sum(times_seen), 0) FROM quarantine.row WHERE load_id = %s", [load_id])
    assert held.fetchone() == (landed.quarantined,), case.name
    rows = conn.execute(sql.SQL("SELECT count(*) FROM {}").format(table_of(of))).fetchone()
    assert rows == (landed.landed,), case.name
    conn.rollback()
