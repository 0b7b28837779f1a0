"""One build at a time: from the first dbt step of a run to the last verdict on its candidates.

Two builds that interleave would let one judge the other's tables with its own test results. The lock is PostgreSQL's
and belongs to this process, so a killed build leaves no lock behind. Dagster's pools count single steps and would let
another run in between two of them.
"""

from __future__ import annotations

import threading

import psycopg

from warehouse import build_inputs, connection

PATIENCE = "30min"

_guard = threading.Lock()
_held: dict[str, psycopg.Connection] = {}


class BuildBusy(RuntimeError):
    """Another build held the warehouse for longer than anybody should wait."""


def begin(run_id: str) -> None:
    """Have the warehouse to this run until `end`; waits for a build that is under way. Repeating it changes nothing."""
    with _guard:
        if run_id in _held:
            return
        conn = connection.connect("builder", autocommit=True, application_name="townhub build")
        try:
            conn.execute("SELECT set_config('lock_timeout', %s, false)", [PATIENCE])
            conn.execute("SELECT pg_advisory_lock(hashtextextended('townhub.build', 0))")
            build_inputs.fix(conn)
        except psycopg.errors.LockNotAvailable:
            conn.close()
            raise BuildBusy(
                f"another build has been running for more than {PATIENCE}; see `townhub up`, and cancel it there"
            ) from None
        _held[run_id] = conn


def end(run_id: str) -> None:
    """Let the next build begin."""
    with _guard:
        conn = _held.pop(run_id, None)
    if conn is not None:
        with conn:
            build_inputs.lift(conn)
