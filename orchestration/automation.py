"""When things run by themselves: schedules by the contracts' cadence, sensors for what arrives, builds after intake.

Every request is bounded: a schedule skips while its last run is still at it, a build is asked for only when a run
landed something and none is waiting, a release only once per judged candidate.
"""

# No `from __future__ import annotations` here: Dagster reads the annotation of `context` at run time.
from collections.abc import Iterable, Mapping

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from connectors.contract import Contract
from orchestration import names, picture_assets, sensing
from orchestration.manifest import Project

AnyJob = dg.JobDefinition | UnresolvedAssetJobDefinition

TIME_ZONE = "Asia/Shanghai"
CADENCES = (
    # (longest promised cadence in seconds, name of the job, cron)
    (3_599, "intake_every_5_minutes", "*/5 * * * *"),
    (86_399, "intake_hourly", "7 * * * *"),
    (7 * 86_400 - 1, "intake_daily", "30 1 * * *"),
    (28 * 86_400 - 1, "intake_weekly", "30 2 * * 1"),
)
MONTHLY = ("intake_monthly", "0 3 2 * *")
DAILY_BUILD = "0 4 * * *"
DAILY_RETENTION = "30 3 * * *"
HOURLY_PICTURES = "20 * * * *"
ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def by_cadence(contracts: Mapping[str, Contract]) -> dict[tuple[str, str], list[dg.AssetKey]]:
    """(job, cron) → the landing assets of the enabled systems that promise this cadence."""
    groups: dict[tuple[str, str], list[dg.AssetKey]] = {}
    for contract in contracts.values():
        if contract.enabled:
            fitting = (job for longest, *job in CADENCES if contract.cadence_seconds <= longest)
            name, cron = next(fitting, MONTHLY)
            keys = [dg.AssetKey(names.landing(stream)) for stream in contract.streams.values()]
            groups.setdefault((name, cron), []).extend(keys)
    return groups


def jobs(contracts: Mapping[str, Contract], project: Project) -> list[AnyJob]:
    """The jobs that people start, and the intake of each cadence."""
    landing = [key for keys in by_cadence(contracts).values() for key in keys]
    pictures = [dg.AssetKey(names.picture(page)) for page in picture_assets.PAGES]
    publish = [*(dg.AssetKey(names.release(family)) for family in project.families), *pictures]
    made: list[AnyJob] = [
        _job(names.INTAKE, landing, "Take in every enabled stream; one that fails does not stop the others."),
        dg.define_asset_job(
            names.BUILD,
            dg.AssetSelection.all() - dg.AssetSelection.assets(*landing) - dg.AssetSelection.assets(*publish),
            description="Staging, identity resolution, core, products, and each family's gate.",
            executor_def=dg.in_process_executor,
        ),
        _job(
            names.PUBLISH,
            publish,
            "Publish each family's newest candidate, if Postgres finds its verdicts green, and draw its pictures.",
        ),
        _job(names.PICTURES, pictures, "Draw the pictures anew, with the age that what they show has now."),
        everything,
        retention,
    ]
    return made + [
        _job(name, keys, f"Take in the systems of this cadence ({cron}).")
        for (name, cron), keys in by_cadence(contracts).items()
    ]


def _job(name: str, keys: Iterable[dg.AssetKey], description: str) -> AnyJob:
    selection = dg.AssetSelection.assets(*keys)
    return dg.define_asset_job(name, selection, description=description, executor_def=dg.in_process_executor)


@dg.op
def one_pass(context: dg.OpExecutionContext) -> None:
    """Intake, build and publish as three runs of their own, so that a failing stream stops neither of them."""
    from orchestration import passes
    from orchestration.report import PassReport

    report = PassReport()
    passes.execute(context.instance, report, run_key=context.run_id)
    if report.failures:
        raise dg.Failure(description="; ".join(report.failures), allow_retries=False)


@dg.job(name=names.EVERYTHING, executor_def=dg.in_process_executor)
def everything() -> None:
    """One pass of the hub, as `townhub run` does it."""
    one_pass()


@dg.op
def purge_expired(context: dg.OpExecutionContext) -> None:
    """Delete what is past the retention of its contract or family, each with its certificate in the audit chain."""
    from orchestration.deleting import delete_expired

    context.add_output_metadata({"rows deleted": delete_expired()})


@dg.op
def forget_runs(context: dg.OpExecutionContext) -> None:
    """Delete the runs that ended long ago from Dagster's own history."""
    from orchestration import run_history

    context.add_output_metadata({"runs deleted": run_history.forget(context.instance)})


@dg.job(name=names.RETENTION, executor_def=dg.in_process_executor)
def retention() -> None:
    """Delete what is past its retention and old runs, as `townhub purge` does it; before the day's build."""
    purge_expired()
    forget_runs()


def schedules(contracts: Mapping[str, Contract]) -> list[dg.ScheduleDefinition]:
    """One schedule per cadence that some system has; each morning what is expired goes and the day's build comes.

    Builds after intake link only new and changed records; the day's build links all anew. Pictures are drawn with each
    release, and every hour, because one that shows an old release must say how old.
    """
    intake = [_schedule(name, cron) for name, cron in by_cadence(contracts)]
    return [
        *intake,
        _schedule(names.RETENTION, DAILY_RETENTION),
        _schedule(names.BUILD, DAILY_BUILD, {names.ANEW_TAG: "true"}),
        _schedule(names.PICTURES, HOURLY_PICTURES),
    ]


def _schedule(job: str, cron: str, tags: Mapping[str, str] | None = None) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"{job}_schedule",
        job_name=job,
        cron_schedule=cron,
        execution_timezone=TIME_ZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if active_runs(context.instance, job):
            return dg.SkipReason(f"the last run of {job} is still at it")
        return dg.RunRequest(tags=tags)

    return tick


def active_runs(instance: dg.DagsterInstance, job: str) -> int:
    """Runs of a job that wait or run now."""
    return instance.get_runs_count(dg.RunsFilter(job_name=job, statuses=ACTIVE))


def sensors(contracts: Mapping[str, Contract]) -> list[dg.SensorDefinition]:
    """Inbox, dropped files, builds after intake, releases after the gate, pictures after releases."""
    intake_jobs = [names.INTAKE, *(name for name, _ in by_cadence(contracts))]
    after = [
        _build_after(status, intake_jobs)
        for status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
    ]
    publish_when_judged = dg.AutomationConditionSensorDefinition(
        "publish_when_judged",
        target=dg.AssetSelection.groups("serving", picture_assets.GROUP),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
    )
    return [*sensing.arrivals(contracts), *after, publish_when_judged]


def _build_after(status: dg.DagsterRunStatus, intake_jobs: list[str]) -> dg.SensorDefinition:
    """Also after a run in which some stream failed: the others' news must not wait for it."""

    @dg.run_status_sensor(
        name=f"build_after_intake_{status.value.lower()}",
        run_status=status,
        request_job=None,
        monitor_all_code_locations=False,
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
    )
    def after(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        run = context.dagster_run
        if run.job_name not in intake_jobs or names.RUN_KEY_TAG in run.tags:
            return dg.SkipReason("not an intake run of the daemon")
        if not sensing.landed_something(run.run_id) and not sensing.inputs_turned():
            return dg.SkipReason("nothing new was landed, and every input is as it was when last judged")
        waiting = dg.RunsFilter(job_name=names.BUILD, statuses=[dg.DagsterRunStatus.QUEUED])
        if context.instance.get_runs_count(waiting):
            return dg.SkipReason("a build is waiting already and will see these rows")
        return dg.RunRequest(run_key=f"build-{run.run_id}", job_name=names.BUILD)

    return after
