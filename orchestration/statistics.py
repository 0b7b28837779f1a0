"""The planner's statistics of tables that a step has just filled.

PostgreSQL's own autovacuum looks a minute later; a build that follows a first intake at once would plan for empty
tables and take twenty times as long.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

WORTH_SHARE = 0.1
"""Share of a table's rows that must be new before it is analysed anew; autovacuum's own threshold."""


def worth_it(changed: int, rows: int) -> bool:
    """Whether enough of a table's rows has changed to take new statistics."""
    return changed > rows * WORTH_SHARE


def take(conn: psycopg.Connection, *tables: tuple[str, str]) -> None:
    """ANALYZE tables, (schema, table), on a connection that acts as their owner and commits by itself."""
    conn.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(sql.Identifier(*table) for table in tables)))
