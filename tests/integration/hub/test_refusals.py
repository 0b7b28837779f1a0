"""What the command says when it is used wrongly: one clear message with its remedy, no traceback, no exit code 0."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.hub.conftest import Hub, Stage


def test_an_unknown_option(hub: Hub) -> None:
    assert "--scael" in hub.refusal("demo", "--scael", "1")


def test_an_unknown_command(hub: Hub) -> None:
    assert "publsh" in hub.refusal("publsh")


@pytest.mark.parametrize("scale", ["0", "2", "big"])
def test_an_impossible_scale(hub: Hub, scale: str) -> None:
    assert "--scale" in hub.refusal("demo", "--scale", scale)


def test_an_unknown_system(hub: Hub, first: Stage) -> None:
    said = hub.refusal("run", "--select", "police_911")
    assert "police_911" in said
    assert "townhub systems list" in said


def test_a_system_that_is_switched_off(hub: Hub, first: Stage) -> None:
    assert "disabled by its contract" in hub.refusal("run", "--select", "health_code")


def test_another_town_in_the_same_home(hub: Hub, first: Stage) -> None:
    """Two towns in one warehouse would be nobody's truth."""
    said = hub.refusal("demo", "--scale", "0.01", "--seed", "4")
    assert "--fresh" in said
    assert "down --purge" in said


def test_a_contract_that_cannot_be_read(hub: Hub, first: Stage, more_systems: Path, tmp_path: Path) -> None:
    folder = tmp_path / "systems"
    shutil.copytree(more_systems, folder)
    broken = folder / "second_platform.odcs.yaml"
    broken.write_text(broken.read_text(encoding="utf-8").replace("primaryKey: true", "primaryKey: false"), "utf-8")
    said = hub.refusal("run", "--select", "second_platform", TOWNHUB_SYSTEMS=str(folder))
    assert "second_platform" in said
    assert "primary" in said
    listed = hub.answer("systems", "list", TOWNHUB_SYSTEMS=str(folder))
    (mistakes,) = (row["mistakes"] for row in listed if row["system"] == "second_platform")
    assert "primary" in mistakes[0]
    done = hub.command("systems", "check", str(broken))
    assert done.returncode == 1
    assert "second_platform.odcs.yaml" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_folder_without_contracts(hub: Hub, tmp_path: Path) -> None:
    assert "TOWNHUB_SYSTEMS" in hub.refusal("systems", "list", TOWNHUB_SYSTEMS=str(tmp_path))


def test_a_home_that_cannot_be_written(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    said = hub.refusal("run", TOWNHUB_HOME=str(tmp_path / "file" / "home"))
    assert "TOWNHUB_HOME" in said
    assert len(said.splitlines()) == 1


def test_a_database_that_does_not_answer(hub: Hub) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    said = hub.refusal("status", TOWNHUB_DATABASE_URL=f"postgresql://nobody:hidden@127.0.0.1:{port}/townhub")
    assert "TOWNHUB_DATABASE_URL" in said
    assert "hidden" not in said


def test_sql_is_for_reading(hub: Hub, first: Stage) -> None:
    for words in (("DELETE FROM control.verdict",), ("DELETE FROM serving.premises_risk", "--role", "safety")):
        hub.refusal("sql", *words)
    assert "there is no app" in hub.refusal("sql", "SELECT 1", "--role", "police")
    assert hub.value("SELECT count(*) FROM control.verdict") > 0
