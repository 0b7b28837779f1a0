"""One build at a time: from the first dbt step of a run to the last verdict on its candidates.

Two builds that interleave would let one judge the other's tables with its own test results. The lock is PostgreSQL's
and belongs to this process, so a killed build leaves no lock behind. Dagster's pools count single steps and would let
another run in between two of them.

A build speaks of one day as it reads one state of the landing area: the day on which it began, also when it crosses
midnight or the simulated town lives on meanwhile. All steps of a run are in this process, so it is kept here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from importlib import metadata

import psycopg

from connectors.contract_folder import load_contracts
from orchestration import found_good, increments, manifest, names, standing
from orchestration.manifest import Project
from warehouse import build_inputs, connection
from warehouse.settings import settings


@dataclass
class _Build:
    conn: psycopg.Connection
    as_of: date
    code: str
    """Digest of all that decides which columns the models' SQL gives, as it was when the build began."""
    plan: increments.Plan | None = None
    built: set[str] = field(default_factory=set)
    noted: set[str] = field(default_factory=set)
    """Families of which all products were made, and what they were made from was noted."""
    lost: set[names.Key] = field(default_factory=set)


_guard = threading.Lock()
_held: dict[str, _Build] = {}


def begin(run_id: str) -> date:
    """Have the warehouse to this run until `end`; waits for a build that is under way. The day of the build.

    Repeating it changes nothing.
    """
    with _guard:
        if run_id in _held:
            return _held[run_id].as_of
        conn = connection.connect("builder", autocommit=True, application_name="townhub build")
        try:
            build_inputs.have_warehouse(conn)
            as_of = settings().as_of()
            build_inputs.fix(conn)
        except BaseException:
            conn.close()  # the lock goes with it
            raise
        _held[run_id] = _Build(conn, as_of, _code())
        return as_of


def plan(run_id: str, project: Project, *, anew: bool) -> list[str]:
    """The chains of models that this build makes by changes (see `increments`), decided when it is first asked for.

    That is after resolution: which records belong to whom is a change too. `anew`: none of them.
    """
    build = _held[run_id]
    if build.plan is None:
        build.plan = increments.plan(build.conn, project, load_contracts(), build.as_of, anew=anew)
    return build.plan.by_changes


def contracts_hold(run_id: str) -> bool:
    """Whether the SQL of every model was seen to give the columns of its contract, as the files are now."""
    build = _held[run_id]
    return found_good.is_known(build.conn, found_good.CONTRACTS, build.code)


def _code() -> str:
    versions = [metadata.version(name) for name in ("dbt-core", "dbt-postgres")]
    return " ".join([standing.code_digest((*standing.CODE, "connectors")), *versions])


def note_built(run_id: str, project: Project, models: Iterable[str]) -> None:
    """Nodes (unique ids) that came out well; once all of a chain have, the next build goes on from this one."""
    build = _held[run_id]
    build.built |= set(models)
    # Of files that were changed meanwhile, nobody knows which were built.
    if project.nodes.keys() <= build.built and project.state == manifest.state() and build.code == _code():
        found_good.note(build.conn, found_good.CONTRACTS, build.code, build.as_of)
    if build.plan is not None:
        increments.keep(build.conn, project, build.plan, build.built)
        made = {f for f in project.families if {n.unique_id for n in project.products_of(f)} <= build.built}
        build_inputs.note_runs(build.conn, made - build.noted, build.plan.runs)
        build.noted |= made


def note_lost(run_id: str, tables: Iterable[names.Key]) -> None:
    """Assets that dbt was to make and has not made: what reads them is skipped."""
    _held[run_id].lost |= set(tables)


def lost(run_id: str) -> frozenset[names.Key]:
    """All of `note_lost` in this run; none in a run that builds nothing."""
    return frozenset(_held[run_id].lost) if run_id in _held else frozenset()


def day(run_id: str) -> date:
    """The day of the build that this run has begun. Raises KeyError when it has none (any more)."""
    return _held[run_id].as_of


def end(run_id: str) -> date | None:
    """Let the next build begin; the day of the one that ended, if there was one."""
    with _guard:
        ended = _held.pop(run_id, None)
    if ended is None:
        return None
    with ended.conn as conn:
        increments.forget_changes(conn)
        build_inputs.lift(conn)
    return ended.as_of
