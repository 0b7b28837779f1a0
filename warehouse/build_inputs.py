"""One state of the landing area for a whole build, whatever is committed beside it (see migration 0014)."""

from __future__ import annotations

import psycopg


def fix(connection: psycopg.Connection) -> None:
    """From now on the build reads each stream as far as it is taken in now (role builder, holding the build's lock).

    The bounds of a build that was killed are replaced.
    """
    with connection.transaction():
        lift(connection)
        connection.execute(
            "INSERT INTO control.build_input (system, stream, load_id) SELECT system, stream, max(load_id) "
            "FROM control.load WHERE state = 'committed' GROUP BY system, stream"
        )


def lift(connection: psycopg.Connection) -> None:
    """No bounds any more: who reads staging sees all that was taken in."""
    connection.execute("DELETE FROM control.build_input")


def bounds(connection: psycopg.Connection) -> dict[str, int]:
    """system.stream → the last load that the build under way reads of it: what its candidates rest on."""
    rows = connection.execute("SELECT system || '.' || stream, load_id FROM control.build_input ORDER BY 1").fetchall()
    return {str(name): int(load_id) for name, load_id in rows}
