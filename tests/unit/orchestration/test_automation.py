"""Automation is bounded: a judged candidate asks for one release, a run that landed nothing for no build."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from connectors.contract_folder import load_contracts
from orchestration import (
    automation,
    building,
    names,
    passes,
    picture_assets,
    recovery,
    resolution,
    sensing,
    side_by_side,
)
from orchestration.releases import publish_once_judged
from orchestration.report import PassReport
from resolution import runner


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def _definitions(state: dict[str, bool]) -> dg.Definitions:
    @dg.asset(check_specs=[dg.AssetCheckSpec("gate", asset="candidate", blocking=True)])
    def candidate():  # type: ignore[no-untyped-def]  # Dagster reads the annotation, which is a string here
        return dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="gate", passed=state["green"])])

    @dg.asset(deps=[candidate], automation_condition=publish_once_judged())
    def release() -> None:
        if state["publish_fails"]:
            raise RuntimeError

    return dg.Definitions(assets=[candidate, release])


def _requests(defs: dg.Definitions, instance: dg.DagsterInstance, cursor: Any) -> tuple[int, Any]:
    result = dg.evaluate_automation_conditions(defs, instance=instance, cursor=cursor)
    return result.total_requested, result.cursor


def _materialize(defs: dg.Definitions, name: str, instance: dg.DagsterInstance) -> None:
    job = defs.resolve_implicit_global_asset_job_def()
    job.execute_in_process(instance=instance, raise_on_error=False, asset_selection=[dg.AssetKey(name)])


def test_one_release_per_green_candidate(instance: dg.DagsterInstance) -> None:
    state = {"green": True, "publish_fails": False}
    defs = _definitions(state)
    asked, cursor = _requests(defs, instance, None)
    assert asked == 0
    _materialize(defs, "candidate", instance)
    asked, cursor = _requests(defs, instance, cursor)
    assert asked == 1
    _materialize(defs, "release", instance)
    for _ in range(3):
        asked, cursor = _requests(defs, instance, cursor)
        assert asked == 0
    _materialize(defs, "candidate", instance)
    asked, cursor = _requests(defs, instance, cursor)
    assert asked == 1


def test_a_red_candidate_asks_for_nothing_and_a_failing_release_is_not_repeated(instance: dg.DagsterInstance) -> None:
    state = {"green": False, "publish_fails": True}
    defs = _definitions(state)
    _, cursor = _requests(defs, instance, None)
    _materialize(defs, "candidate", instance)
    asked, cursor = _requests(defs, instance, cursor)
    assert asked == 0
    state["green"] = True
    _materialize(defs, "candidate", instance)
    total = 0
    for _ in range(10):
        asked, cursor = _requests(defs, instance, cursor)
        if asked:
            _materialize(defs, "release", instance)
        total += asked
    assert total == 1


def test_a_new_release_asks_for_its_pictures_once(instance: dg.DagsterInstance) -> None:
    @dg.asset(key=dg.AssetKey(names.release("safety")))
    def release() -> None:
        """A release that is published."""

    defs = dg.Definitions(assets=[release, *picture_assets.assets(["safety"])])
    _, cursor = _requests(defs, instance, None)
    dg.materialize([release], instance=instance)
    asked = []
    for _ in range(3):
        number, cursor = _requests(defs, instance, cursor)
        asked.append(number)
    assert asked == [3, 0, 0]  # the two pages of safety, and the board of all families


def test_only_news_ask_for_a_build(fresh_database: str) -> None:
    import psycopg

    from warehouse import ledger

    with psycopg.connect(fresh_database, autocommit=True) as conn:
        for run_id, landed in (("quiet", 0), ("news", 2)):
            load = ledger.open_load(conn, system="s", stream=run_id, contract_version="1.0.0", run_id=run_id)
            ledger.commit_load(
                conn, load, rows_in=2, landed=landed, unchanged=2 - landed, quarantined=0, tombstoned=0,
                bytes_in=0, cursor=None, seconds={},
            )  # fmt: skip
    assert sensing.landed_something("news")
    assert not sensing.landed_something("quiet")
    assert not sensing.landed_something("unknown")


def sensor_of(name: str) -> dg.SensorDefinition:
    """One that looks at what arrives. Without the rest of the definitions: they would have dbt read the project anew
    for each new database."""
    return next(each for each in sensing.arrivals(load_contracts()) if each.name == name)


def test_only_messages_that_no_load_has_taken_ask_for_a_pull(fresh_database: str) -> None:
    """Of the streams that have them, and once: a pull that failed is repeated by its schedule."""
    import psycopg

    sensor = sensor_of("inbox_elder_door_sensor")

    def tick(cursor: str | None) -> tuple[set[str], str | None]:
        found = sensor.evaluate_tick(dg.build_sensor_context(cursor=cursor))
        keys = {key.path[-1] for request in found.run_requests or [] for key in request.asset_selection or []}
        return keys, found.cursor or cursor

    def arrives(stream: str, delivery: str) -> None:
        conn.execute(
            "INSERT INTO inbox.message (system, stream, delivery_id, payload) VALUES ('elder_door_sensor', %s, %s, '')",
            [stream, delivery],
        )

    assert tick(None) == (set(), None)
    with psycopg.connect(fresh_database, autocommit=True) as conn:
        arrives("readings", "1")
        asked, cursor = tick(None)
        assert asked == {"readings"}
        assert tick(cursor) == (set(), cursor)
        conn.execute(
            "INSERT INTO control.cursor (system, stream, value) SELECT system, stream,"
            " jsonb_build_object('state', jsonb_build_object('message_id', message_id)) FROM inbox.message"
        )
        assert tick(None) == (set(), None), "a scheduled pull has taken it"
        arrives("readings", "2")
        arrives("devices", "1")
        assert tick(cursor)[0] == {"readings", "devices"}
    assert sensing.waiting_messages("snapshot_report", ["reports"]) == {}


def test_a_new_file_asks_for_its_stream_once(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not at all where a scheduled pull has read it: a hub that starts anew asks for nothing it has."""
    import psycopg

    from connectors.protocols.sftp_drop import Entry

    contract = load_contracts()["grid_map"]
    assert {contract.server_of(stream).protocol for stream in contract.streams.values()} == {"sftp"}
    listing = {"communities": [Entry("1", 10, 100)], "grids": []}
    monkeypatch.setattr(sensing, "list_files", lambda contract, stream: listing[stream.name])
    sensor = sensor_of("files_grid_map")

    def tick(cursor: str | None) -> tuple[set[str], str | None]:
        found = sensor.evaluate_tick(dg.build_sensor_context(cursor=cursor))
        keys = {key.path[-1] for request in found.run_requests or [] for key in request.asset_selection or []}
        return keys, found.cursor or cursor

    first, cursor = tick(None)
    assert first == {"communities"}
    assert tick(cursor)[0] == set()
    listing["grids"] = [Entry("2", 20, 200)]
    assert tick(cursor)[0] == {"grids"}
    with psycopg.connect(fresh_database, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO control.cursor (system, stream, value) VALUES"
            """ ('grid_map', 'communities', '{"state": {"files": {"1": [10, 100, "x"]}}}')"""
        )
    assert tick(None)[0] == {"grids"}, "a scheduled pull has read the other"
    listing["communities"] = [Entry("1", 11, 300)]
    assert tick(None)[0] == {"communities", "grids"}, "it was written anew"


def test_the_day_s_build_links_all_anew() -> None:
    asked: dict[str, bool] = {}
    with dg.instance_for_test() as instance:  # a schedule's context wants an instance that lies in a folder
        for schedule in automation.schedules({}):
            ticked = schedule.evaluate_tick(dg.build_schedule_context(instance=instance))
            asked[schedule.job_name] = any(names.ANEW_TAG in request.tags for request in ticked.run_requests or ())
    assert asked == {names.RETENTION: False, names.BUILD: True, names.PICTURES: False}


@pytest.mark.parametrize(("tags", "anew"), [({}, False), ({names.ANEW_TAG: "true"}, True)])
def test_a_build_links_all_anew_only_when_its_run_says_so(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, tags: dict[str, str], anew: bool
) -> None:
    asked = []

    def resolve(kind: str, *, run_id: str, full: bool) -> runner.ResolutionResult:
        asked.append(full)
        return runner.ResolutionResult(1, 0, 0, 0, 0, 0, {}, "", 0.0)

    monkeypatch.setattr(runner, "resolve", resolve)
    monkeypatch.setattr(recovery, "mark", lambda context: None)
    monkeypatch.setattr(building, "begin", lambda run_id: None)
    made = resolution.assets({}, lambda *_: None)
    assert dg.materialize(made, instance=instance, tags=tags).success
    assert asked == [anew] * len(resolution.KINDS)
    assert all(side_by_side.end(run.run_id) for run in instance.get_runs())


@pytest.mark.parametrize("rebuild", [False, True])
def test_a_rebuild_is_a_build_that_links_all_anew(monkeypatch: pytest.MonkeyPatch, rebuild: bool) -> None:
    tags: dict[str, dict[str, str]] = {}

    def run_job(instance: object, job: str, *given: Any) -> None:
        tags[job] = dict(given[3]) if len(given) > 3 else {}
        if job == names.PUBLISH:
            given[2].drawn.update(picture_assets.PAGES)

    monkeypatch.setattr(passes, "_run_job", run_job)
    monkeypatch.setattr(passes, "_basis", lambda: (None, ""))
    monkeypatch.setattr(passes, "_still_stands", lambda basis, collected: False)
    monkeypatch.setattr(passes, "_to_build", lambda day: None)
    for name in ("_note_start", "_note_end"):
        monkeypatch.setattr(passes, name, lambda *args: None)
    passes.execute(None, PassReport(), run_key="k", rebuild=rebuild)  # type: ignore[arg-type]  # no job runs
    assert tags == {"intake": {}, "build": {names.ANEW_TAG: "true"} if rebuild else {}, "publish": {}}
