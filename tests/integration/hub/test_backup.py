"""A backup is the hub: restored elsewhere it goes on from where it was made, and takes nothing in twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.hub.conftest import Hub, Stage, new_home, run_pass


@pytest.fixture(scope="module")
def town(hub: Hub, second: Stage) -> dict[str, str]:
    """Where the town's systems are and what day it is there, as a hub of another home must be told."""
    status = json.loads((hub.home / "simulator" / "status.json").read_text(encoding="utf-8"))
    return {**{name: str(value) for name, value in status["environment"].items()}, "TOWNHUB_AS_OF": status["today"]}


@pytest.fixture(scope="module")
def backup(hub: Hub, second: Stage, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The file, and what the command said of it."""
    file = tmp_path_factory.mktemp("backup") / "town.dump"
    return file, hub.answer("backup", str(file), "--by", "a keeper")


@pytest.fixture(scope="module")
def other(
    backup: tuple[Path, dict[str, Any]], town: dict[str, str], parsed_project: Path
) -> Iterator[tuple[Hub, dict[str, Any]]]:
    """A hub of another home, restored from it, and what the command said."""
    made = Hub(new_home(parsed_project))
    try:
        yield made, made.answer("restore", str(backup[0]), **town)
    finally:
        made.command("down", "--purge", "--yes")
        shutil.rmtree(made.home, ignore_errors=True)


def test_a_backup_is_for_its_maker_alone_and_audited(hub: Hub, backup: tuple[Path, dict[str, Any]]) -> None:
    file, told = backup
    assert file.stat().st_mode & 0o777 == 0o600 and file.stat().st_size == told["bytes"]
    noted = hub.rows("SELECT actor, detail FROM control.audit WHERE action = 'warehouse.backup'")
    assert noted == [("a keeper", {name: value for name, value in told.items() if name != "file"})]
    assert "exists already" in hub.refusal("backup", str(file))
    assert file.stat().st_size == told["bytes"]


def test_a_restored_hub_goes_on_where_the_backup_was_made(
    other: tuple[Hub, dict[str, Any]], backup: tuple[Path, dict[str, Any]], town: dict[str, str], second: Stage
) -> None:
    restored, told = other
    same = ("newest_load", "newest_release", "landed_rows", "sha256")
    assert {name: told[name] for name in same} == {name: backup[1][name] for name in same}
    assert told["expired_rows"] == 0
    assert restored.answer("release", "list") == second.releases
    stage = run_pass(restored, "run", **town)
    assert stage.report["failures"] == second.report["failures"]
    assert (stage.report["totals"]["landed"], stage.report["totals"]["tombstoned"]) == (0, 0)
    assert stage.report["content_hash"] == second.report["content_hash"]
    assert stage.report["verdicts"] == second.report["verdicts"]


def test_views_are_made_again_where_their_sql_is_missing(
    other: tuple[Hub, dict[str, Any]], town: dict[str, str], second: Stage, parsed_project: Path
) -> None:
    """What dbt leaves in the home is no part of a backup; the gates read it."""
    restored, _ = other
    shutil.rmtree(restored.home / "dbt_target")
    shutil.copytree(parsed_project, restored.home / "dbt_target")  # the project parsed, and no SQL
    stage = run_pass(restored, "run", "--rebuild", **town)
    assert stage.report["verdicts"] == second.report["verdicts"]
    assert stage.report["content_hash"] == second.report["content_hash"]


def test_a_backup_is_restored_into_an_empty_warehouse_only(
    other: tuple[Hub, dict[str, Any]], backup: tuple[Path, dict[str, Any]]
) -> None:
    restored, told = other
    said = restored.refusal("restore", str(backup[0]))
    assert "has a warehouse already" in said and "townhub down --purge --yes" in said
    assert restored.value("SELECT count(*) FROM control.load WHERE load_id <= %s", told["newest_load"]) > 0
