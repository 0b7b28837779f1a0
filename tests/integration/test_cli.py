"""What the `townhub` command answers without a server; with one, see `hub`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from connectors.contract_folder import SYSTEMS, load_contracts
from orchestration.cli import app

REPOSITORY = Path(__file__).resolve().parents[2]


class Townhub:
    """Runs `townhub …` in one home and keeps stdout apart from stderr."""

    def __init__(self, home: Path) -> None:
        unwanted = ("TOWNHUB_DATABASE_URL", "TOWNHUB_AS_OF", "TOWNHUB_DEBUG")
        self.environment = {name: value for name, value in os.environ.items() if name not in unwanted}
        self.environment |= {"TOWNHUB_HOME": str(home), "PYTHONPATH": str(REPOSITORY)}

    def __call__(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "orchestration.cli", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=560)
        assert done.returncode == code, (
            f"townhub {' '.join(arguments)}: {done.returncode}\n{done.stderr}\n{done.stdout}"
        )
        assert "Traceback" not in done.stderr
        return done

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", code=code).stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def townhub(tmp_path_factory: pytest.TempPathFactory) -> Townhub:
    return Townhub(tmp_path_factory.mktemp("cli"))


def test_help_is_quick_and_shows_examples(townhub: Townhub) -> None:
    best = min(_spent(townhub, "--help") for _ in range(3))
    assert best < 1.0  # a quarter of a second; what matters is that nothing heavy is imported
    for command in (["demo"], ["run"], ["up"], ["down"], ["status"], ["sql"], ["purge"], ["bench"], ["systems", "list"],
                    ["products", "list"],
                    ["systems", "check"], ["quarantine", "list"], ["quarantine", "show"], ["quarantine", "replay"],
                    ["quarantine", "discard"], ["quarantine", "scorecard"],
                    ["release", "list"], ["release", "show"], ["release", "diff"],
                    ["release", "rollback"], ["resolve", "residents"], ["resolve", "train"], ["resolve", "one"],
                    ["resolve", "key"], ["review", "list"], ["review", "show"], ["review", "decide"],
                    ["review", "revoke"], ["review", "explain"],
                    ["explain"], ["release", "explain"], ["subject", "export"], ["correction", "open"],
                    ["correction", "list"], ["correction", "show"], ["correction", "mark"], ["correction", "close"],
                    ["holds", "list"], ["holds", "release"], ["simulate", "serve"],
                    ["simulate", "advance"], ["simulate", "truth"], ["simulate", "faults"]):  # fmt: skip
        shown = CliRunner().invoke(app, [*command, "--help"])
        assert shown.exit_code == 0 and "Example: townhub " + " ".join(command) in shown.output


def test_help_imports_nothing_heavy() -> None:
    heavy = ("dagster", "polars", "psycopg", "dbt", "yaml")
    code = f"import sys, orchestration.cli; print([m for m in {heavy!r} if m in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def _spent(townhub: Townhub, *arguments: str) -> float:
    """Processor seconds of a command: the clock would tell how busy the machine is."""
    before = os.times()
    townhub(*arguments)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def test_systems(townhub: Townhub, tmp_path: Path) -> None:
    listed = {row["system"]: row for row in townhub.json("systems", "list")}
    assert set(listed) == set(load_contracts())
    assert listed["health_code"]["enabled"] is False
    townhub("systems", "check")
    broken = tmp_path / "police_110.odcs.yaml"
    broken.write_text(
        (SYSTEMS / "police_110.odcs.yaml")
        .read_text(encoding="utf-8")
        .replace("logicalType: string", "logicalType: strong", 1)
    )
    problems = townhub.json("systems", "check", str(broken), code=1)
    assert problems and problems[0]["line"] > 1 and problems[0]["remedy"]


def test_errors_say_what_to_do(townhub: Townhub) -> None:
    assert "townhub systems list" in townhub("run", "--select", "police_111", code=1).stderr
    assert "townhub simulate serve" in townhub("simulate", "advance", code=1).stderr
    assert "there are:" in townhub("bench", "no_such_thing", code=1).stderr
