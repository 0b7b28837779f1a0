"""One headless pass of the hub: intake, build and publish as three Dagster runs in this process, one after another.

Three runs, because a step of Dagster is skipped when anything it depends on failed in the same run: a dead upstream
must stop its own stream and nothing else.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from orchestration import environment, names, recovery, report, storage
from orchestration.report import STEPS, PassReport

if TYPE_CHECKING:
    from dagster import DagsterEvent, DagsterInstance

QUIET_LOGGER = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Dagster's console logger prints each event; the event log in PostgreSQL has them all."""


def new_run_key() -> str:
    return datetime.now(UTC).strftime("pass-%Y%m%dT%H%M%S.%f")


def open_instance() -> DagsterInstance:
    """Dagster's instance of this hub (after `environment.apply`)."""
    import dagster as dg

    opened = dg.DagsterInstance.from_config(str(environment.dagster_home()))
    storage.keep_connections(opened)
    return opened


def execute(
    instance: DagsterInstance,
    collected: PassReport,
    *,
    run_key: str,
    select: list[str] | None = None,
    rebuild: bool = False,
) -> None:
    """Run one pass; what happened is in `collected` (counts, verdicts, failures, seconds per step).

    When nothing changed since the last published pass, it ends after intake (unless `rebuild`): see `standing`. A
    rebuild links all residents and events anew; other passes link only new and changed records of these.

    Also writes control.run. Raises ValueError for an unknown selection and KeyboardInterrupt when somebody stops it; a
    failing step is reported, not raised.
    """
    from connectors.contract_folder import broken_contracts, load_contracts
    from orchestration import dbt_process, picture_assets
    from warehouse import crash

    streams = names.selected_streams(load_contracts(), select, broken_contracts())
    before, started = dict(collected.seconds), time.perf_counter()
    collected.drawn.clear()
    collected.on_news = dbt_process.make_ready
    _note_start(run_key)
    state, basis = "failed", ""
    try:
        with report.collecting(collected):
            _run_job(instance, names.INTAKE, [names.landing(stream) for stream in streams], run_key, collected)
            crash.point("pass.taken_in")
            day, basis = _basis()
            builds = rebuild or not _still_stands(basis, collected)
            if builds:
                anew = {names.ANEW_TAG: "true"} if rebuild else {}
                built_on = _run_job(instance, names.BUILD, _to_build(day), run_key, collected, anew)
                if built_on not in (None, day):
                    basis = ""  # midnight came before the build began: nothing was built from this basis
                crash.point("pass.built")
                _run_job(instance, names.PUBLISH, None, run_key, collected)
            crash.point("pass.published")
            # A step of Dagster is skipped when what it depends on failed in its run: these have one of their own.
            if pages := picture_assets.undrawn(collected.drawn, published=builds):
                _run_job(instance, names.PICTURES, [names.picture(page) for page in pages], run_key, collected)
        state = "failed" if collected.failures else "succeeded"
    finally:
        total = time.perf_counter() - started
        spent = {step: collected.seconds.get(step, 0.0) - before.get(step, 0.0) for step in STEPS}
        overhead = max(0.0, total - sum(spent.values()))
        collected.spent("orchestration", overhead)
        collected.spent("total", total)
        _note_end(run_key, state, {**spent, "orchestration": overhead, "total": total}, collected, basis)


def _to_build(day: date) -> list[names.Key] | None:
    """What the build has to make: all of it, or all but the staging step where that stands as it is."""
    from orchestration import manifest, staged
    from orchestration.definitions import defs
    from orchestration.warehouse import key_of

    project = manifest.load()
    if not staged.stood(project, day):
        return None
    standing = {key_of(node) for node in project.nodes_of(manifest.STAGING)}
    keys = set(defs.resolve_job_def(names.BUILD).asset_layer.executable_asset_keys) - standing
    return [tuple(key.path) for key in keys]


def _run_job(
    instance: DagsterInstance,
    job: str,
    keys: Sequence[names.Key] | None,
    run_key: str,
    collected: PassReport,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> date | None:
    """Run a job to its end; the day of the build that it was, if it was one."""
    import dagster as dg

    from orchestration import building, pulls, side_by_side
    from orchestration.definitions import defs

    run_id = str(uuid.uuid4())
    try:
        result = defs.resolve_job_def(job).execute_in_process(
            instance=instance,
            raise_on_error=False,
            asset_selection=None if keys is None else [dg.AssetKey(key) for key in keys],
            tags={names.RUN_KEY_TAG: run_key, **recovery.this_worker().tags(), **tags},
            run_config=QUIET_LOGGER,
            run_id=run_id,
        )
    finally:
        pulls.end(run_id)
        # While something of the run is still at work it keeps the warehouse: the lock goes with the process.
        built_on = building.end(run_id) if side_by_side.end(run_id) else None
    if any(_interrupted(event) for event in result.all_events):
        raise KeyboardInterrupt  # Dagster has noted it and gone on; the rest of the pass must not
    if not result.success and not collected.failures:
        collected.failed(job, f"the Dagster run {result.run_id} failed; see it in the UI (townhub up)")
    return built_on


def _interrupted(event: DagsterEvent) -> bool:
    """Whether a run ended because somebody stopped it, by hand or in Dagster's UI."""
    from dagster import DagsterEventType
    from dagster._core.events import JobFailureData, RunFailureReason

    if event.event_type == DagsterEventType.PIPELINE_CANCELED:
        return True
    told = event.event_specific_data
    return isinstance(told, JobFailureData) and told.failure_reason == RunFailureReason.UNEXPECTED_TERMINATION


def _basis() -> tuple[date, str]:
    """The day, and what a build of it would rest on."""
    from orchestration import standing
    from warehouse import connection
    from warehouse.settings import settings

    day = settings().as_of()
    with connection.connect("builder") as conn:
        return day, standing.basis(conn, day.isoformat())


def _still_stands(basis: str, collected: PassReport) -> bool:
    from orchestration import standing
    from warehouse import connection

    with connection.connect("builder") as conn:
        if collected.failures or not standing.still_stands(conn, basis):
            return False
        collected.verdicts.update(standing.standing_verdicts(conn))
    return True


def _note_start(run_key: str) -> None:
    from psycopg.types.json import Jsonb

    from warehouse import connection

    with connection.connect("loader") as conn:
        conn.execute(
            "INSERT INTO control.run (run_key, started_at, state, summary)"
            " VALUES (%s, clock_timestamp(), 'running', %s)"
            " ON CONFLICT (run_key) DO UPDATE SET started_at = excluded.started_at, state = 'running',"
            " summary = excluded.summary",
            [run_key, Jsonb({"worker": recovery.this_worker().tags()})],
        )


def _note_end(run_key: str, state: str, seconds: dict[str, float], collected: PassReport, basis: str) -> None:
    from psycopg.types.json import Jsonb

    from orchestration import standing
    from warehouse import connection

    rounded = {step: round(value, 3) for step, value in seconds.items()}
    with connection.connect("builder") as conn:
        summary = {
            "streams": len(collected.streams),
            "failures": len(collected.failures),
            "basis": basis,
            "shown": standing.shown(conn),
        }
        conn.execute(
            "UPDATE control.run SET finished_at = clock_timestamp(), state = %s, seconds = %s, summary = %s"
            " WHERE run_key = %s",
            [state, Jsonb(rounded), Jsonb(summary), run_key],
        )
