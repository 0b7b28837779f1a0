"""Dagster's own history does not grow for ever: runs that ended long ago go, with their events.

Systems that are asked every five minutes leave a hundred thousand runs a year behind. What the town's data was then
stands in the warehouse (ledger, verdicts, releases), and is not touched.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from warehouse.settings import positive

if TYPE_CHECKING:
    from dagster import DagsterInstance

DAYS: Final = 30
"""Kept for so long, like the ticks of schedules (dagster.yaml), unless TOWNHUB_RUN_HISTORY_DAYS says otherwise."""
FINISHED: Final = ("SUCCESS", "FAILURE", "CANCELED")


def forget(instance: DagsterInstance, now: datetime | None = None) -> int:
    """Delete the runs that ended more than the kept days ago, with their events; returns how many.

    Each asset keeps the run that materialized it last, however old: the UI shows it. Raises ConfigurationError where
    TOWNHUB_RUN_HISTORY_DAYS is no number of days.
    """
    import dagster as dg

    limit = (now or datetime.now(UTC)) - timedelta(days=positive("TOWNHUB_RUN_HISTORY_DAYS", DAYS))
    finished = [dg.DagsterRunStatus(status) for status in FINISHED]
    old = instance.get_run_ids(dg.RunsFilter(statuses=finished, updated_before=limit))
    gone = sorted(set(old) - _shown(instance))
    for run_id in gone:
        instance.delete_run(run_id)
        _forget_checks(instance, run_id)
    return len(gone)


def _shown(instance: DagsterInstance) -> set[str]:
    newest = (record.asset_entry.last_materialization for record in instance.get_asset_records())
    return {event.run_id for event in newest if event is not None}


def _forget_checks(instance: DagsterInstance, run_id: str) -> None:
    """What `delete_run` leaves behind: the answers of asset checks, each with a copy of its event."""
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable as Executions
    from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

    storage = instance.event_log_storage
    assert isinstance(storage, SqlEventLogStorage)
    with storage.index_connection() as conn:
        conn.execute(Executions.delete().where(Executions.c.run_id == run_id))
