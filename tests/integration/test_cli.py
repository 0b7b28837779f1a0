"""The `townhub` command as a user has it: a process of its own, a home of its own, a small simulated town."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.contract_folder import SYSTEMS, load_contracts
from quality.families import FAMILIES

REPOSITORY = Path(__file__).resolve().parents[2]
SCALE = "0.005"


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
def townhub() -> Iterator[Townhub]:
    home = Path(tempfile.mkdtemp(prefix="townhub-cli-"))
    home.chmod(0o755)
    command = Townhub(home)
    try:
        yield command
    finally:
        command("down", "--purge", "--yes")
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def demo(townhub: Townhub) -> dict[str, Any]:
    """What `townhub demo --json` ended with."""
    found: dict[str, Any] = townhub.json("demo", "--scale", SCALE, "--seed", "5")
    return found


# What answers without a server --------------------------------------------------------------------------------------


def test_help_is_quick_and_shows_examples(townhub: Townhub) -> None:
    best = min(_timed(townhub, "--help") for _ in range(3))
    assert best < 2.0  # 0.25 s on a quiet machine; what matters is that nothing heavy is imported
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
        assert "Example: townhub " + " ".join(command) in townhub(*command, "--help").stdout


def test_help_imports_nothing_heavy() -> None:
    heavy = ("dagster", "polars", "psycopg", "dbt", "yaml")
    code = f"import sys, orchestration.cli; print([m for m in {heavy!r} if m in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def _timed(townhub: Townhub, *arguments: str) -> float:
    began = time.perf_counter()
    townhub(*arguments)
    return time.perf_counter() - began


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


def _streams(found: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(system, stream): counts for system, of in found["systems"].items() for stream, counts in of.items()}


# The demo -----------------------------------------------------------------------------------------------------------


def test_demo_takes_in_every_enabled_stream(demo: dict[str, Any]) -> None:
    wanted = {(c.id, s) for c in load_contracts().values() if c.enabled for s in c.streams}
    found = {
        (system, stream): counts for system, streams in demo["systems"].items() for stream, counts in streams.items()
    }
    assert set(found) == wanted
    assert {counts["state"] for counts in found.values()} == {"committed"}
    assert demo["failures"] == []
    for name in ("landed", "unchanged", "quarantined", "tombstoned"):
        assert demo["totals"][name] == sum(counts[name] for counts in found.values())
    assert demo["totals"]["landed"] > 1_000


def test_demo_publishes_both_families(demo: dict[str, Any]) -> None:
    assert demo["verdicts"]["red"] == demo["verdicts"]["missing"] == 0 < demo["verdicts"]["green"]
    assert set(demo["releases"]) == set(FAMILIES)
    assert all(release["published"] and release["content_hash"] for release in demo["releases"].values())
    steps = {"extract", "conform", "land", "staging", "resolve", "build", "gate", "publish", "orchestration", "total"}
    assert steps <= set(demo["seconds"])
    assert demo["seconds"]["total"] == pytest.approx(sum(demo["seconds"][s] for s in steps - {"total"}), rel=0.05)


def test_running_again_changes_nothing(townhub: Townhub, demo: dict[str, Any]) -> None:
    again = townhub.json("run", "--rebuild")
    assert again["content_hash"] == demo["content_hash"]
    assert again["totals"]["landed"] == again["totals"]["tombstoned"] == 0
    assert not any(release["published"] for release in again["releases"].values())
    ids = [{family: release["release_id"] for family, release in found["releases"].items()} for found in (demo, again)]
    assert ids[0] == ids[1]


def test_a_dead_upstream_stops_itself_alone(townhub: Townhub, demo: dict[str, Any]) -> None:
    townhub("simulate", "faults", "police_110", "dead")
    townhub("simulate", "faults", "household_registry", "dead")
    try:
        found = townhub.json("run", code=1)
    finally:
        townhub("simulate", "faults", "--clear")
    states = {
        (system, stream): c["state"] for system, streams in found["systems"].items() for stream, c in streams.items()
    }
    failed = {key for key, state in states.items() if state != "committed"}
    # The exchange database is one server: taking police_110 away must not be felt by the other tables in it.
    assert failed == {("police_110", "incidents"), ("household_registry", "residents")}
    assert any(text.startswith("police_110.incidents: ") for text in found["failures"])
    assert found["verdicts"]["green"] > 0 and found["verdicts"]["missing"] == 0
    shown = {
        row["system"]: row["state"] for row in townhub.json("status") if row["system"] in ("police_110", "fire_119")
    }
    assert shown == {"police_110": "failed", "fire_119": "fresh"}


def test_a_killed_pass_is_found_dead_and_the_next_one_carries_on(townhub: Townhub, demo: dict[str, Any]) -> None:
    running = "select count(*) as n from control.run where state = 'running'"
    command = [sys.executable, "-m", "orchestration.cli", "run", "--rebuild", "--json"]
    child = subprocess.Popen(command, env=townhub.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while townhub.json("sql", running)[0]["n"] == 0 and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(2)
        assert child.poll() is None, "the pass was over before it could be killed"
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert townhub.json("sql", running)[0]["n"] == 1
    found = townhub.json("run")
    assert found["failures"] == [] and found["content_hash"] == demo["content_hash"]
    assert townhub.json("sql", running)[0]["n"] == 0


def test_select_takes_in_one_stream(townhub: Townhub, demo: dict[str, Any]) -> None:
    found = townhub.json("run", "--select", "safety_inspection.hazards")
    assert found["systems"].keys() == {"safety_inspection"} and found["systems"]["safety_inspection"].keys() == {
        "hazards"
    }


def test_status_and_quarantine(townhub: Townhub, demo: dict[str, Any]) -> None:
    rows = {(row["system"], row["stream"]): row for row in townhub.json("status")}
    assert rows["health_code", "lookups"]["state"] == "disabled"
    assert rows["fire_119", "incidents"]["last_load"] > 0
    held = townhub.json("quarantine", "list")
    assert held and all(row["rows"] > 0 and row["remedy"] for row in held)
    listed = townhub.json("quarantine", "list", "--rows")
    shown = townhub.json("quarantine", "show", str(listed[0]["quarantine_id"]))
    assert shown["system"] == listed[0]["system"]
    assert townhub.json("holds", "list") == []


def test_apps_see_their_own_purpose_alone(townhub: Townhub, demo: dict[str, Any]) -> None:
    rows = townhub.json("sql", "select count(*) as n from serving.premises_risk", "--role", "safety")
    assert rows[0]["n"] > 0
    for query in ("select * from serving.welfare_match", "select * from landing.police_110__incidents"):
        assert "permission denied" in townhub("sql", query, "--role", "safety", code=1).stderr
    assert "refused" in townhub("sql", "drop table landing.police_110__incidents", code=1).stderr


def test_releases(townhub: Townhub, demo: dict[str, Any]) -> None:
    releases = townhub.json("release", "list", "--family", "safety")
    assert releases[0]["current"] is True
    shown = townhub.json("release", "show", str(releases[-1]["release"]))
    assert shown["verdicts"] and {verdict["state"] for verdict in shown["verdicts"]} == {"green"}
    assert townhub.json("release", "diff", str(releases[0]["release"]), str(releases[0]["release"])) == []


def test_a_broken_contract_stops_its_own_system_alone(townhub: Townhub, demo: dict[str, Any], tmp_path: Path) -> None:
    """The others are taken in; what reads the system keeps its last release; who names it is told why."""
    before = townhub.json("run")
    for path in SYSTEMS.glob("*.odcs.yaml"):
        shutil.copy(path, tmp_path)
    broken = tmp_path / "fire_119.odcs.yaml"
    broken.write_text(broken.read_text(encoding="utf-8").replace("logicalType: string", "logicalType: strong", 1))
    townhub.environment["TOWNHUB_SYSTEMS"] = str(tmp_path)
    try:
        done = townhub("run", "--rebuild", "--json", code=1)
        found = json.loads(done.stdout.splitlines()[-1])
        assert "fire_119 is not taken in, because its contract is refused" in done.stderr
        assert "fire_119.odcs.yaml:" in done.stderr
        held = ["publish enforcement", "publish safety"]
        assert [failure.split(":")[0] for failure in found["failures"]] == ["build", *held]
        assert all("guard.inputs is red" in failure for failure in found["failures"][1:])
        assert set(found["systems"]) == set(before["systems"]) - {"fire_119"}
        assert found["releases"]["safety"]["release_id"] == before["releases"]["safety"]["release_id"]
        assert found["content_hash"] == before["content_hash"]
        rows = {(row["system"], row["stream"]): row for row in townhub.json("status")}
        shown = rows["fire_119", "incidents"]
        assert shown["state"] == "broken" and "'strong' cannot be landed" in shown["error"] and shown["age_seconds"]
        assert rows["police_110", "incidents"]["state"] == "fresh"
        refusal = townhub("run", "--select", "fire_119", code=1).stderr
        assert "the contract of fire_119 is refused" in refusal and "Use string" in refusal
        mistakes = {row["system"]: row["mistakes"] for row in townhub.json("systems", "list")}
        assert [system for system, told in mistakes.items() if told] == ["fire_119"]
    finally:
        del townhub.environment["TOWNHUB_SYSTEMS"]
    assert townhub.json("run", "--rebuild")["content_hash"] == before["content_hash"]


def test_another_town_is_refused(townhub: Townhub, demo: dict[str, Any]) -> None:
    assert "townhub down --purge" in townhub("demo", "--scale", SCALE, "--seed", "6", code=1).stderr
