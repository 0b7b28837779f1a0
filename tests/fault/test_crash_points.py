"""`kill -9` at the N-th crash point: the next pass carries on by itself and nothing is lost, doubled or mixed.

TOWNHUB_TEST_KILLS sets how many kills are tried (spread evenly over all passages of both days).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest

from connectors.contract_folder import load_contracts
from connectors.tables import landing_columns
from warehouse import crash

KILLS = int(os.environ.get("TOWNHUB_TEST_KILLS", "6"))
WORKER = Path(__file__).with_name("worker.py")
REPOSITORY = WORKER.parents[2]
Database = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="module")
def worker() -> ModuleType:
    """The worker's module: undisturbed passes run here, killed ones in a process."""
    spec = importlib.util.spec_from_file_location("fault_worker", WORKER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fault_worker"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", autouse=True)
def own_protocols() -> Iterator[None]:
    """What the worker changes in modules of the hub is put back."""
    from connectors import intake
    from connectors.interfaces import PROTOCOLS

    known, rows = dict(PROTOCOLS), intake.CHUNK_ROWS
    yield
    PROTOCOLS.clear()
    PROTOCOLS.update(known)
    intake.CHUNK_ROWS = rows


def killed_pass(folder: Path, day: int, passage: int) -> None:
    environment = os.environ | {
        "TOWNHUB_CRASH_POINT": f"*:{passage}",
        "PYTHONPATH": str(REPOSITORY),
        "POLARS_MAX_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, str(WORKER), str(folder), str(day)],
        env=environment,
        cwd=REPOSITORY,
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]


def state(url: str) -> dict[str, Any]:
    """Everything that must not depend on when the process died: all versions, held rows, cursors, identities."""
    found: dict[str, Any] = {}
    contracts = load_contracts()
    with psycopg.connect(url) as conn:
        for system, name in (("household_registry", "residents"), ("grid_map", "grids"),
                             ("snapshot_report", "reports")):  # fmt: skip
            stream = contracts[system].streams[name]
            columns = ", ".join(landing_columns(stream))
            query = f"""
                SELECT count(*), count(*) FILTER (WHERE _to_load IS NULL), md5(string_agg(line, '' ORDER BY line))
                  FROM (SELECT _to_load, md5(row({columns}, _key, _hash, _to_load IS NULL)::text) AS line
                          FROM landing.{stream.landing_table}) AS lines"""
            found[stream.landing_table] = conn.execute(query.encode()).fetchone()
        found["held"] = conn.execute(
            "SELECT system, stream, record_key, payload_text, reasons, state FROM quarantine.row ORDER BY 1, 2, 4"
        ).fetchall()
        found["cursors"] = conn.execute("SELECT system, stream, value FROM control.cursor ORDER BY 1, 2").fetchall()
        found["groups"] = conn.execute(
            "SELECT content_hash FROM resolution.run WHERE finished_at IS NOT NULL ORDER BY run_id DESC LIMIT 1"
        ).fetchone()
        found["members"] = conn.execute(
            "SELECT count(*), count(DISTINCT entity_key) FROM resolution.membership WHERE to_run IS NULL"
        ).fetchone()
    return found


def check_ledger(url: str) -> None:
    with psycopg.connect(url) as conn:
        assert conn.execute("SELECT count(*) FROM control.load WHERE state = 'running'").fetchone() == (0,)
        unbalanced = "rows_in <> rows_landed + rows_unchanged + rows_quarantined"
        query = f"SELECT count(*) FROM control.load WHERE state = 'committed' AND {unbalanced}"
        assert conn.execute(query.encode()).fetchone() == (0,)
        landed = conn.execute("SELECT sum(rows_landed) FROM control.load WHERE state = 'committed'").fetchone()
        stored = conn.execute(
            "SELECT (SELECT count(*) FROM landing.household_registry__residents) "
            "+ (SELECT count(*) FROM landing.grid_map__grids) "
            "+ (SELECT count(*) FROM landing.snapshot_report__reports)"
        ).fetchone()
        assert landed is not None and stored is not None and int(landed[0]) == stored[0]


@dataclass(frozen=True)
class Control:
    """Two undisturbed days."""

    found: dict[str, Any]
    """The state after them."""
    passages: list[tuple[int, int]]
    """Of a crash point, as (day, number)."""
    first_day: str
    """The warehouse as it was after the first, by its URL."""
    folder: Path
    """What the upstreams knew then."""


@pytest.fixture(scope="module")
def control(
    another_database: Database, worker: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Control]:
    passages: list[tuple[int, int]] = []
    folder, original = tmp_path_factory.mktemp("control"), crash.point
    kept = tmp_path_factory.mktemp("first") / "day"
    with ExitStack() as stack:
        url = first_day = stack.enter_context(another_database())
        for day in (1, 2):
            if day == 2:
                shutil.copytree(folder, kept)
                url = stack.enter_context(another_database(first_day))
            count = 0

            def counted(name: str, day: int = day) -> None:
                nonlocal count
                count += 1
                passages.append((day, count))

            crash.point = counted
            try:
                worker.run(folder, day)
            finally:
                crash.point = original
        check_ledger(url)
        yield Control(state(url), passages, first_day, kept)


def test_the_control_did_something_of_everything(control: Control) -> None:
    found = control.found
    assert len(control.passages) > 30
    for table in ("household_registry__residents", "grid_map__grids", "snapshot_report__reports"):
        assert found[table][0] > found[table][1] > 0, f"{table} has no history"
    assert len(found["held"]) == 9 and found["members"][1] > 0


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_killed_pass_is_taken_up_again(
    control: Control,
    another_database: Database,
    worker: ModuleType,
    tmp_path: Path,
    kill: int,
) -> None:
    passages = control.passages
    # From the first to the last passage, evenly; more kills than passages begin anew.
    at = round(kill * (len(passages) - 1) / max(KILLS - 1, 1)) if len(passages) >= KILLS else kill % len(passages)
    day, passage = passages[at]
    with another_database(control.first_day if day == 2 else None) as url:
        if day == 2:
            shutil.copytree(control.folder, tmp_path, dirs_exist_ok=True)
        killed_pass(tmp_path, day, passage)
        for remaining in range(day, 3):
            worker.run(tmp_path, remaining)
        found = state(url)
        for part, wanted in control.found.items():
            assert found[part] == wanted, f"{part} differs after a kill on day {day} at passage {passage}"
        check_ledger(url)
