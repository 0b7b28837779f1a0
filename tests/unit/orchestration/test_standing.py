"""Whether a pass may end after intake, and how long the results of a build are kept."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psycopg
import pytest

from connectors.contract_folder import contract_paths
from orchestration import dbt_runs, environment, manifest, standing


def test_the_code_that_decides_a_build_is_all_there() -> None:
    assert {"connectors/standards", "dbt_project", "quality", "resolution"} <= set(standing.CODE)
    assert all((environment.REPOSITORY / folder).is_dir() for folder in standing.CODE)


def test_a_changed_contract_is_built_and_judged_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = standing.code_digest()
    for path in contract_paths():
        shutil.copy(path, tmp_path)
    monkeypatch.setenv("TOWNHUB_SYSTEMS", str(tmp_path))
    assert standing.code_digest() == before
    with (tmp_path / "fire_119.odcs.yaml").open("a") as file:
        file.write("# narrower\n")
    assert standing.code_digest() != before


def test_a_contract_that_cannot_be_read_stops_no_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(contract_paths()[0], tmp_path)
    monkeypatch.setenv("TOWNHUB_SYSTEMS", str(tmp_path))
    before = standing.code_digest()
    (tmp_path / "link.odcs.yaml").symlink_to("nowhere.yaml")
    assert standing.code_digest() != before


def test_a_row_that_is_held_or_settled_is_built_again(conn: psycopg.Connection) -> None:
    def basis() -> str:
        conn.execute("SET LOCAL ROLE townhub_builder")
        try:
            return standing.basis(conn, "2026-06-30")
        finally:
            conn.execute("RESET ROLE")

    empty = basis()
    assert basis() == empty
    conn.execute(
        "INSERT INTO quarantine.row (system, stream, load_id, record_key, payload_text, payload_digest, reasons) "
        "VALUES ('alarm', 'calls', 1, 'k', '{}', 'x', '{a}')"
    )
    held = basis()
    assert held != empty
    conn.execute("UPDATE quarantine.row SET state = 'discarded' WHERE system = 'alarm'")
    assert basis() == empty


def test_results_of_old_runs_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "target_folder", lambda: tmp_path)
    project = manifest.Project({}, {}, {})
    outcome = dbt_runs.Outcome("model.townhub.a", "success", 0.1, 1, None, "")
    for number in range(30):
        dbt_runs.save_outcomes(f"run{number}", project, {"a": outcome})
        os.utime(tmp_path / "outcomes" / f"run{number}.json", (number, number))
    dbt_runs.save_outcomes("run29", project, {"a": outcome})
    assert len(dbt_runs.read_outcomes("run29")) == 2
    assert dbt_runs.read_outcomes("run0") == []
    assert len(dbt_runs.read_outcomes("run15")) == 1
