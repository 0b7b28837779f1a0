"""The planner's statistics of tables that a step has just filled.

PostgreSQL's own autovacuum looks a minute later; a build that follows a first intake at once would plan for empty
tables and take twenty times as long.
"""

from __future__ import annotations

from psycopg import sql

from warehouse import connection
from warehouse.connection import Role

WORTH_SHARE = 0.1
"""Share of a table's rows that must be new before it is analysed anew; autovacuum's own threshold."""


def after_change(role: Role, tables: list[tuple[str, str]], changed: int, rows: int) -> bool:
    """ANALYZE (schema, table) pairs as their owner when enough of `rows` has changed; True if it was done."""
    if changed <= rows * WORTH_SHARE or changed == 0:
        return False
    names = sql.SQL(", ").join(sql.Identifier(schema, table) for schema, table in tables)
    with connection.connect(role, autocommit=True) as conn:
        conn.execute(sql.SQL("ANALYZE {}").format(names))
    return True
