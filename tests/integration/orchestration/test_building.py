"""A build has one day, on which it began, whatever the calendar says later; a pass that is stopped ends."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace
from typing import Any

import dagster as dg
import psycopg
import pytest

from orchestration import building, dbt_runs, gates, increments, passes, standing, warehouse
from orchestration.manifest import Node, Project
from orchestration.report import PassReport
from quality import gate
from warehouse import build_inputs, connection, release
from warehouse.settings import ConfigurationError

EVENING, MORNING = date(2026, 6, 30), date(2026, 7, 1)
RUN: Any = SimpleNamespace(run_id="run", tags={})


@pytest.fixture
def evening(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("TOWNHUB_AS_OF", EVENING.isoformat())
    yield monkeypatch
    building.end("run")


def test_every_step_after_midnight_has_the_day_on_which_the_build_began(evening: pytest.MonkeyPatch) -> None:
    seen: list[date] = []

    def build(*_: Any, as_of: date, **__: Any) -> dict[str, Any]:
        seen.append(as_of)
        return {}

    def register(_: Any, family: str, as_of: date, run_id: str, **__: Any) -> Any:
        seen.append(as_of)
        return SimpleNamespace(candidate_id=1)

    evening.setattr(dbt_runs, "build", build)
    evening.setattr(dbt_runs, "save_outcomes", lambda *_: None)
    evening.setattr(dbt_runs, "read_outcomes", lambda _: [])
    evening.setattr(release, "register_candidate", register)
    evening.setattr(gate, "judge", lambda *_, **__: [])
    project = Project({}, {}, {})
    assert building.begin("run") == EVENING
    warehouse._build(RUN, project, "core", [])
    evening.setenv("TOWNHUB_AS_OF", MORNING.isoformat())
    warehouse._build(RUN, project, "products", [])
    gates._judge("run", "safety", building.begin("run"))
    assert seen == [EVENING] * 3
    assert building.end("run") == EVENING
    assert building.begin("run") == MORNING, "the next build has its own"


def test_the_runs_of_resolution_are_noted_for_families_that_were_made_from_them(evening: pytest.MonkeyPatch) -> None:
    def product(uid: str, family: str) -> Node:
        group = f"products_{family}"
        return Node(uid, uid, "model", "candidate", uid, "table", "", "products", group, (), ())

    nodes = [product("risk", "safety"), product("plan", "safety"), product("match", "welfare")]
    project = Project({node.unique_id: node for node in nodes}, {}, {})

    def built(run: int, *models: str) -> list[tuple[str, str, int]]:
        building.begin("run")
        building._held["run"].plan = increments.Plan([], {}, EVENING, {"resident": run})
        building.note_built("run", project, models)
        building.end("run")
        with connection.connect("builder") as conn:
            return conn.execute("SELECT family, kind, run_id FROM control.build_run ORDER BY 1").fetchall()

    assert built(4, "risk", "plan", "match") == [("safety", "resident", 4), ("welfare", "resident", 4)]
    half = built(5, "plan", "match")
    assert half == [("safety", "resident", 4), ("welfare", "resident", 5)], "risk is still what run 4 gave"
    assert built(6) == half


def test_a_build_that_cannot_know_its_day_leaves_no_lock_behind(evening: pytest.MonkeyPatch) -> None:
    evening.setattr(build_inputs, "PATIENCE", "1s")
    evening.setenv("TOWNHUB_AS_OF", "tomorrow")
    with pytest.raises(ConfigurationError, match="TOWNHUB_AS_OF") as refused:
        building.begin("run")
    evening.setenv("TOWNHUB_AS_OF", EVENING.isoformat())
    assert building.begin("other") == EVENING
    assert building.end("other") == EVENING
    del refused  # until here its traceback kept alive what `begin` had opened


@pytest.mark.parametrize(("built_on", "kept"), [(EVENING, True), (MORNING, False), (None, True)])
def test_a_pass_does_not_stand_on_a_day_on_which_nothing_was_built(
    evening: pytest.MonkeyPatch, fresh_database: str, built_on: date | None, kept: bool
) -> None:
    evening.setattr(passes, "_run_job", lambda _, job, *__: built_on if job == "build" else None)
    evening.setattr(passes, "_to_build", lambda day: None)
    passes.execute(RUN, PassReport(), run_key="pass", select=["fire_119"])
    with psycopg.connect(fresh_database) as conn:
        row = conn.execute("SELECT summary ->> 'basis' FROM control.run").fetchone()
        assert row is not None and (row[0] == standing.basis(conn, EVENING.isoformat())) is kept
        assert kept or row[0] == ""


def test_a_pass_that_somebody_stops_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster notes the interrupt and goes on; building and publishing on half an intake must not follow."""

    @dg.op
    def asked_to_stop() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)

    @dg.job(name="intake")
    def intake() -> None:
        asked_to_stop()

    # Without the real ones: they would have dbt read the whole project.
    defs = SimpleNamespace(resolve_job_def=lambda _: intake)
    monkeypatch.setitem(sys.modules, "orchestration.definitions", SimpleNamespace(defs=defs))
    with dg.DagsterInstance.ephemeral() as instance, pytest.raises(KeyboardInterrupt):
        passes._run_job(instance, "intake", None, "pass", PassReport())
