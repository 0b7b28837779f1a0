"""One state of the landing area for a whole build, whatever is committed beside it (see migration 0014).

One build at a time has the warehouse, and retention deletes nothing from under it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import psycopg

PATIENCE = "30min"
_LOCK = "hashtextextended('townhub.build', 0)"


class BuildBusy(RuntimeError):
    """A build held the warehouse for longer than anybody should wait."""

    def __init__(self) -> None:
        super().__init__(
            f"another build has been running for more than {PATIENCE}; see `townhub up`, and cancel it there"
        )


def have_warehouse(connection: psycopg.Connection) -> None:
    """Wait for the build under way and keep others out for as long as the connection lives. Raises BuildBusy."""
    _wait(connection, "pg_advisory_lock", is_local=False)


def keep_builds_out(connection: psycopg.Connection) -> None:
    """The same until the end of the transaction."""
    _wait(connection, "pg_advisory_xact_lock", is_local=True)


def void(connection: psycopg.Connection, system: str, stream: str) -> None:
    """Rows of a stream were deleted without a load: what was built by changes of it is to be built from everything.

    Keys of records that a build which was killed left behind go too: no build is alive (see `keep_builds_out`).
    """
    connection.execute("DELETE FROM control.build_state WHERE %s = ANY (reads)", [f"{system}.{stream}"])
    connection.execute("DELETE FROM control.changed_record")
    connection.execute("DELETE FROM control.changed_key")


def _wait(connection: psycopg.Connection, function: str, *, is_local: bool) -> None:
    connection.execute("SELECT set_config('lock_timeout', %s, %s)", [PATIENCE, is_local])
    try:
        connection.execute(f"SELECT {function}({_LOCK})".encode())
    except psycopg.errors.LockNotAvailable:
        raise BuildBusy from None


def fix(connection: psycopg.Connection) -> None:
    """From now on the build reads each stream as far as it is taken in now (role builder, holding the build's lock).

    The bounds of a build that was killed are replaced.
    """
    with connection.transaction():
        lift(connection)
        connection.execute(
            # Of what has never landed nothing is read, whatever lands meanwhile.
            "INSERT INTO control.build_input (system, stream, load_id) SELECT system, stream, max(load_id) FROM "
            "(SELECT system, stream, load_id FROM control.load WHERE state = 'committed' "
            "UNION ALL SELECT system, stream, 0 FROM control.stream) AS known GROUP BY system, stream"
        )


def note_runs(connection: psycopg.Connection, families: Iterable[str], runs: Mapping[str, int]) -> None:
    """By kind of entity, the run of resolution that candidates of these families were built from (migration 0045)."""
    with connection.transaction():
        for family in families:
            connection.execute("DELETE FROM control.build_run WHERE family = %s", [family])
            connection.execute(
                "INSERT INTO control.build_run (family, kind, run_id)"
                " SELECT %s, * FROM unnest(%s::text[], %s::bigint[])",
                [family, list(runs), list(runs.values())],
            )


def lift(connection: psycopg.Connection) -> None:
    """No bounds any more: who reads staging sees all that was taken in."""
    connection.execute("DELETE FROM control.build_input")


def bounds(connection: psycopg.Connection) -> dict[str, int]:
    """system.stream → the last load that the build under way reads of it: what its candidates rest on."""
    rows = connection.execute(
        "SELECT system || '.' || stream, load_id FROM control.build_input WHERE load_id > 0 ORDER BY 1"
    ).fetchall()
    return {str(name): int(load_id) for name, load_id in rows}
