"""Staging views that stand: a view is its definition, so one that was made from these very files is not made again.

Making ninety views anew costs more than all of core. Each view carries the digest of the dbt project that it was made
from as its comment; dbt replaces a view together with its comment, and a dropped view has none.
"""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from orchestration.manifest import Node
from warehouse import connection

_MARK = "made from "


def standing(nodes: Iterable[Node], digest: str) -> set[str]:
    """The unique ids of those views that were made from the project with this digest and are still there."""
    views = {(node.schema, node.table): node.unique_id for node in nodes if node.materialized == "view"}
    with connection.connect("builder") as conn:
        rows = conn.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind = 'v' AND obj_description(c.oid, 'pg_class') = %s",
            [_MARK + digest],
        ).fetchall()
    return {views[place] for schema, name in rows if (place := (schema, name)) in views}


def mark(nodes: Iterable[Node], digest: str) -> None:
    """Note on views that were just made what they were made from."""
    with connection.connect("builder") as conn:
        for node in nodes:
            conn.execute(
                sql.SQL("COMMENT ON VIEW {} IS {}").format(
                    sql.Identifier(node.schema, node.table), sql.Literal(_MARK + digest)
                )
            )
