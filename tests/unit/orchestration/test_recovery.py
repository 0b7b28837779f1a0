"""Dead runs and loads are found and closed; living ones are left alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import dagster as dg
import psycopg
import pytest
from psycopg.types.json import Jsonb

from orchestration import recovery
from warehouse import ledger


@pytest.fixture
def dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@dg.job
def nothing() -> None:
    """A job to hang runs on."""


def _run(instance: dg.DagsterInstance, tags: dict[str, str], status: dg.DagsterRunStatus) -> str:
    return instance.create_run_for_job(nothing, tags=tags, status=status).run_id


def test_this_process_lives() -> None:
    worker = recovery.this_worker()
    assert worker.pid == os.getpid() and worker.started != "unknown"
    assert not recovery.is_dead(worker.tags())


def test_a_process_that_is_gone_is_dead(dead_pid: int) -> None:
    assert recovery.is_dead(replace(recovery.this_worker(), pid=dead_pid).tags())


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    try:
        started = recovery.process_started(child.pid) or "0"
        for _ in range(200):
            if recovery.process_started(child.pid) is None:
                break
            time.sleep(0.02)
        assert recovery.is_dead(replace(recovery.this_worker(), pid=child.pid, started=started).tags())
    finally:
        child.wait()


def test_a_reused_pid_and_an_earlier_boot_are_dead() -> None:
    here = recovery.this_worker()
    assert recovery.is_dead(replace(here, started="1").tags())
    assert recovery.is_dead(replace(here, boot="another").tags())


def test_another_machine_is_not_judged(dead_pid: int) -> None:
    assert not recovery.is_dead(replace(recovery.this_worker(), host="elsewhere", pid=dead_pid).tags())
    assert not recovery.is_dead({})


def test_only_dead_runs_are_closed(instance: dg.DagsterInstance, dead_pid: int) -> None:
    here = recovery.this_worker()
    gone = replace(here, pid=dead_pid).tags()
    dead = _run(instance, gone, dg.DagsterRunStatus.STARTED)
    canceling = _run(instance, gone, dg.DagsterRunStatus.CANCELING)
    alive = _run(instance, here.tags(), dg.DagsterRunStatus.STARTED)
    done = _run(instance, gone, dg.DagsterRunStatus.SUCCESS)
    assert set(recovery.close_dead_runs(instance)) == {dead, canceling}
    states = {run_id: instance.get_run_by_id(run_id).status.value for run_id in (dead, canceling, alive, done)}  # type: ignore[union-attr]
    assert states == {dead: "FAILURE", canceling: "CANCELED", alive: "STARTED", done: "SUCCESS"}
    assert recovery.close_dead_runs(instance) == []


def test_a_dead_load_is_closed(fresh_database: str) -> None:
    with psycopg.connect(fresh_database, autocommit=True) as conn:
        with ledger.stream_lock(conn, "s", "t"):
            load_id = ledger.open_load(conn, system="s", stream="t", contract_version="1.0.0", run_id="r")
            assert recovery.close_dead_loads() == 0  # its worker has the stream
        assert recovery.close_dead_loads() == 1
        row = conn.execute("SELECT state, error FROM control.load WHERE load_id = %s", [load_id]).fetchone()
    assert row is not None and row[0] == "failed" and "died" in row[1]


def test_a_dead_pass_is_closed(fresh_database: str, dead_pid: int) -> None:
    here = recovery.this_worker()
    with psycopg.connect(fresh_database, autocommit=True) as conn:
        for key, worker in (("dead", replace(here, pid=dead_pid)), ("alive", here)):
            conn.execute(
                "INSERT INTO control.run (run_key, state, summary) VALUES (%s, 'running', %s)",
                [key, Jsonb({"worker": worker.tags()})],
            )
        assert recovery.close_dead_passes() == 1
        assert dict(conn.execute("SELECT run_key, state FROM control.run").fetchall()) == {
            "dead": "failed",
            "alive": "running",
        }
