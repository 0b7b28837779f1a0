"""Closing what dead processes left open: Dagster runs, their pool slots, passes and loads still marked as running.

Dagster's run monitoring does not notice a worker that dies together with its code server: the run stays STARTED
for ever and keeps its pool slot. So each run carries tags of the process that executes it (host, boot, process
id, the process's start time), and whoever looks compares them with what is alive.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration import storage

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

STARTING_SECONDS = 300
"""A run whose worker died before its first step bears no tags; after so long it is not coming any more."""
TAGS = {name: f".dagster/townhub/{name}" for name in ("host", "boot", "pid", "started")}
"""Under Dagster's prefix of tags that its UI does not list beside each run: they are no news to people."""


@dataclass(frozen=True)
class Worker:
    """One process, told apart from a later one with the same id."""

    host: str
    boot: str
    pid: int
    started: str

    def tags(self) -> dict[str, str]:
        values = {"host": self.host, "boot": self.boot, "pid": str(self.pid), "started": self.started}
        return {TAGS[name]: value for name, value in values.items()}


@cache
def boot_id() -> str:
    """What changes when the machine is booted (empty where the system does not tell)."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def process_started(pid: int) -> str | None:
    """The process's start time in clock ticks since boot; None when it is gone (or a zombie)."""
    try:
        # The command name may hold spaces and parentheses: count from the last ')'.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except FileNotFoundError:
        return _started_without_proc(pid)
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else fields[19]


def _started_without_proc(pid: int) -> str | None:
    if Path("/proc/self/stat").exists():
        return None
    from warehouse.settings import process_alive

    return "unknown" if process_alive(pid) else None


def this_worker() -> Worker:
    pid = os.getpid()
    return Worker(socket.gethostname(), boot_id(), pid, process_started(pid) or "unknown")


def mark(context: Any) -> None:
    """Put this process's tags on the run that a step belongs to, unless they stand there already."""
    storage.keep_connections(context.instance)
    wanted = this_worker().tags()
    if any(context.run.tags.get(name) != value for name, value in wanted.items()):
        stored = context.instance.get_run_by_id(context.run_id)
        if stored is not None and any(stored.tags.get(name) != value for name, value in wanted.items()):
            context.instance.add_run_tags(context.run_id, wanted)


def is_dead(tags: dict[str, str]) -> bool:
    """Whether the process that the tags name is surely gone. One of another machine is never judged."""
    if TAGS["pid"] not in tags or tags.get(TAGS["host"]) != socket.gethostname():
        return False
    if tags.get(TAGS["boot"]) != boot_id():
        return True
    return process_started(int(tags[TAGS["pid"]])) != tags.get(TAGS["started"])


def close_dead_runs(instance: DagsterInstance) -> list[str]:
    """Mark every unfinished run whose process is gone as failed and free its pool slots; returns their ids."""
    import dagster as dg

    open_states = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    closed = []
    for record in instance.get_run_records(filters=dg.RunsFilter(statuses=open_states)):
        run, age = record.dagster_run, time.time() - record.create_timestamp.timestamp()
        never_began = TAGS["pid"] not in run.tags and run.status == dg.DagsterRunStatus.STARTING
        if is_dead(dict(run.tags)) or (never_began and age > STARTING_SECONDS):
            _close(instance, run)
            closed.append(run.run_id)
    return closed


def _close(instance: DagsterInstance, run: DagsterRun) -> None:
    if str(run.status.value) == "CANCELING":
        instance.report_run_canceled(run, message="The process of this run is gone; the cancelled run was closed.")
    else:
        instance.report_run_failed(
            run, message="The process of this run is gone; nothing half-done is visible. The next run carries on."
        )
    storage = instance.event_log_storage
    if storage.supports_global_concurrency_limits:
        storage.free_concurrency_slots_for_run(run.run_id)


def close_dead_loads() -> int:
    """Mark loads that are 'running' although nobody has their stream any more as failed; returns how many.

    Their rows were never committed (rows, cursor and the ledger entry share one transaction), so nothing else
    has to be undone.
    """
    from warehouse import connection, ledger

    with connection.connect("loader") as conn:
        return len(ledger.close_dead_loads(conn))


def close_dead_passes() -> int:
    """Mark passes (control.run) that are 'running' although their process is gone as failed; returns how many."""
    from warehouse import connection

    with connection.connect("loader") as conn:
        running = conn.execute(
            "SELECT run_key, summary -> 'worker' FROM control.run WHERE state = 'running'"
        ).fetchall()
        dead = [run_key for run_key, worker in running if is_dead(worker or {})]
        conn.execute(
            "UPDATE control.run SET state = 'failed', finished_at = clock_timestamp()"
            " WHERE run_key = ANY(%s) AND state = 'running'",
            [dead],
        )
    return len(dead)


def recover(instance: DagsterInstance) -> tuple[list[str], int]:
    """Close dead runs, passes and loads; called at the start of each command that runs something."""
    closed = close_dead_runs(instance)
    close_dead_passes()
    return closed, close_dead_loads()
