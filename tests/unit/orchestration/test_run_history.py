"""Dagster's history: what ended long ago goes whole, what somebody still looks at or waits for stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from orchestration import run_history
from warehouse.settings import ConfigurationError

DAY = timedelta(days=1)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@dg.asset(check_specs=[dg.AssetCheckSpec("sound", asset="thing")])
def thing() -> dg.MaterializeResult:  # type: ignore[type-arg]
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


@dg.job
def nothing() -> None:
    """A job to hang runs on."""


def left(instance: dg.DagsterInstance) -> set[str]:
    return set(instance.get_run_ids())


def answers(instance: dg.DagsterInstance) -> int:
    check = dg.AssetCheckKey(dg.AssetKey("thing"), "sound")
    return len(instance.event_log_storage.get_asset_check_execution_history(check, limit=9))


def forget(instance: dg.DagsterInstance, after: timedelta) -> int:
    return run_history.forget(instance, datetime.now(UTC) + after)


def test_what_ended_long_ago_goes_but_for_the_run_that_an_asset_shows(instance: dg.DagsterInstance) -> None:
    first, second = (dg.materialize([thing], instance=instance).run_id for _ in range(2))
    failed = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.FAILURE).run_id
    waiting = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED).run_id
    assert answers(instance) == 2
    assert forget(instance, 29 * DAY) == 0
    assert left(instance) == {first, second, failed, waiting} and answers(instance) == 2
    assert forget(instance, 31 * DAY) == 2
    assert left(instance) == {second, waiting} and answers(instance) == 1
    assert instance.all_logs(first) == [] and instance.all_logs(second) != []
    assert forget(instance, 31 * DAY) == 0
    shown = instance.get_latest_materialization_event(dg.AssetKey("thing"))
    assert shown is not None and shown.run_id == second


def test_how_long_is_a_setting(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.SUCCESS)
    monkeypatch.setenv("TOWNHUB_RUN_HISTORY_DAYS", "400")
    assert forget(instance, 399 * DAY) == 0
    assert forget(instance, 401 * DAY) == 1
    monkeypatch.setenv("TOWNHUB_RUN_HISTORY_DAYS", "some")
    with pytest.raises(ConfigurationError, match="TOWNHUB_RUN_HISTORY_DAYS='some'"):
        forget(instance, DAY)
