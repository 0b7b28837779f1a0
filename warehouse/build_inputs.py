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
