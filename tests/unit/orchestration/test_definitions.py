"""The Dagster definitions: everything a contract or a dbt model promises is there, and loading them stays light."""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from connectors.contract_folder import SYSTEMS, load_contracts
from orchestration import automation, manifest, names
from orchestration.intake import APPLIED_CHECK, CONTRACT_CHECK
from quality.families import FAMILIES
from tests.conftest import environment

REPOSITORY = Path(__file__).resolve().parents[3]
HEAVY = ("dbt", "great_expectations", "splink", "polars", "pandas", "sqlalchemy")


@pytest.fixture(scope="module", autouse=True)
def parsed(hub_home: Path, parsed_project: Path) -> Iterator[None]:
    """The home's own database, of which the project is parsed already."""
    shutil.copytree(parsed_project, hub_home / "dbt_target", dirs_exist_ok=True)
    with environment(TOWNHUB_DATABASE_URL=None):
        yield


@pytest.fixture(scope="module")
def repository(parsed: None) -> Iterator[dg.RepositoryDefinition]:
    from orchestration.definitions import build

    yield build().get_repository_def()


def test_loading_imports_nothing_heavy(repository: object, hub_home: Path) -> None:
    """In a process of its own, as Dagster's code server loads it (the manifest is there already)."""
    code = f"import json, sys, orchestration.definitions; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TOWNHUB_HOME": str(hub_home)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_every_enabled_stream_is_an_asset_and_no_disabled_one(repository: dg.RepositoryDefinition) -> None:
    contracts = load_contracts()
    wanted = {dg.AssetKey(names.landing(s)) for c in contracts.values() if c.enabled for s in c.streams.values()}
    found = {key for key in repository.asset_graph.get_all_asset_keys() if key.path[0] == "landing"}
    assert found == wanted
    assert not contracts["health_code"].enabled
    assert dg.AssetKey(["landing", "health_code", "lookups"]) not in found


def test_steps_come_in_the_order_in_which_pulls_are_likely_to_end(repository: dg.RepositoryDefinition) -> None:
    """Dagster takes the highest priority first."""
    contracts = load_contracts()

    def priority(system: str, stream: str) -> int:
        asset = repository.assets_defs_by_key[dg.AssetKey(names.landing(contracts[system].streams[stream]))]
        return int(asset.op.tags["dagster/priority"])

    order = [("police_110", "incidents"), ("standard_address", "addresses"), ("elder_door_sensor", "readings"),
             ("payee_account", "accounts")]  # fmt: skip
    assert [priority(*stream) for stream in order] == [0, -1, -2, -2]


def test_a_process_that_loads_them_looks_for_garbage_seldom(repository: object) -> None:
    assert gc.get_threshold()[0] >= 50_000


def test_a_broken_contract_takes_its_own_assets_away_and_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, repository: object
) -> None:
    from orchestration.definitions import build

    for path in SYSTEMS.glob("*.odcs.yaml"):
        shutil.copy(path, tmp_path)
    broken = tmp_path / "police_110.odcs.yaml"
    broken.write_text(broken.read_text(encoding="utf-8").replace("exchange_db", "telepathy"), encoding="utf-8")
    monkeypatch.setenv("TOWNHUB_SYSTEMS", str(tmp_path))
    graph = build().resolve_asset_graph()
    keys = graph.get_all_asset_keys()
    assert dg.AssetKey(["landing", "police_110", "incidents"]) not in {
        key for key in keys if graph.get(key).is_materializable
    }
    assert dg.AssetKey(["landing", "fire_119", "incidents"]) in keys
    (told,) = {record.getMessage() for record in caplog.records if record.levelname == "WARNING"}
    assert "police_110.odcs.yaml:17: servers.0: the protocol 'telepathy' is unknown" in told


def test_an_intake_asset_carries_its_contract(repository: dg.RepositoryDefinition) -> None:
    contract = load_contracts()["police_110"]
    node = repository.asset_graph.get(dg.AssetKey(["landing", "police_110", "incidents"]))
    assert node.group_name == contract.domain
    assert node.kinds == {"postgres", "exchange_db"}
    assert node.owners == [names.team(contract.owner)] and node.owners[0].isascii()
    assert contract.legal_basis in (node.description or "") and contract.limitations in (node.description or "")
    assert node.pools == {"upstream_police_110"}
    assert {key.name for key in node.check_keys} == {CONTRACT_CHECK, APPLIED_CHECK}
    columns = {column.name: column for column in node.metadata["dagster/column_schema"].columns}
    assert columns["caller_phone"].tags == {"class": "L4", "sensitive": ""}
    wanted = timedelta(seconds=contract.freshness_seconds)
    assert node.freshness_policy == dg.FreshnessPolicy.time_window(fail_window=wanted)


def test_data_flows_from_landing_to_serving(repository: dg.RepositoryDefinition) -> None:
    graph = repository.asset_graph

    def upstream(path: list[str]) -> set[dg.AssetKey]:
        found: set[dg.AssetKey] = set()
        todo = [dg.AssetKey(path)]
        while todo:
            for parent in graph.get(todo.pop()).parent_keys - found:
                found.add(parent)
                todo.append(parent)
        return found

    safety, welfare = upstream(["serving", "safety"]), upstream(["serving", "welfare"])
    assert dg.AssetKey(["gate", "safety"]) in safety and dg.AssetKey(["candidate", "premises_risk"]) in safety
    assert dg.AssetKey(["landing", "safety_inspection", "hazards"]) in safety
    assert dg.AssetKey(["resolution", "residents"]) in welfare
    assert dg.AssetKey(["landing", "household_registry", "residents"]) in upstream(["resolution", "residents"])
    assert dg.AssetKey(["candidate", "welfare_match"]) not in safety


def test_every_dbt_model_and_data_test_is_shown(repository: dg.RepositoryDefinition) -> None:
    project = manifest.load()
    graph = repository.asset_graph
    for node in project.nodes.values():
        assert dg.AssetKey([node.schema, node.table]) in graph.get_all_asset_keys()
    shown = {key.name for key in graph.asset_check_keys}
    assert {test.name for test in project.tests.values()} <= shown
    assert project.tests and sorted(project.families) == sorted(FAMILIES)


def test_the_gate_blocks(repository: dg.RepositoryDefinition) -> None:
    for family in FAMILIES:
        key = dg.AssetCheckKey(dg.AssetKey(["gate", family]), "gate")
        assert repository.asset_graph.get(key).blocking


def test_jobs_cover_everything_once(repository: dg.RepositoryDefinition) -> None:
    jobs = [repository.get_job(name) for name in ("intake", "build", "publish")]
    covered = [key for job in jobs for key in job.asset_layer.executable_asset_keys]
    assert len(covered) == len(set(covered))
    assert set(covered) == set(repository.asset_graph.executable_asset_keys)
    assert repository.has_job("everything")


def test_each_cadence_has_a_schedule_and_each_stream_exactly_one() -> None:
    contracts = load_contracts()
    groups = automation.by_cadence(contracts)
    keys = [key for group in groups.values() for key in group]
    assert len(keys) == len(set(keys)) == len(names.selected_streams(contracts, None))
    jobs = {job for job, _ in groups}
    assert {"intake_every_5_minutes", "intake_daily", "intake_weekly", "intake_monthly"} <= jobs
    minutely = groups[("intake_every_5_minutes", "*/5 * * * *")]
    assert dg.AssetKey(["landing", "police_110", "incidents"]) in minutely
    assert dg.AssetKey(["landing", "household_registry", "residents"]) not in minutely


def test_a_schedule_waits_for_its_last_run(repository: dg.RepositoryDefinition) -> None:
    schedule = repository.get_schedule_def("intake_daily_schedule")
    with dg.instance_for_test() as instance:
        context = dg.build_schedule_context(instance=instance, repository_def=repository)
        assert schedule.evaluate_tick(context).run_requests
        instance.create_run_for_job(repository.get_job("intake_daily"), status=dg.DagsterRunStatus.STARTED)
        ticked = schedule.evaluate_tick(dg.build_schedule_context(instance=instance, repository_def=repository))
        assert not ticked.run_requests and "still at it" in (ticked.skip_message or "")
