"""Staging views and seeds that stand: what was made from these very files is not made again.

A view is its definition and a seed its file. Making a hundred of them anew costs more than most of core. Each carries
the digest of the dbt project that it was made from as its comment; dbt replaces one together with its comment, and what
was dropped has none.
"""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from orchestration.manifest import Node
from warehouse import connection

_MARK = "made from "
_KINDS = {"view": "VIEW", "seed": "TABLE"}


def standing(nodes: Iterable[Node], digest: str) -> set[str]:
    """The unique ids of those that were made from the project with this digest and are still there."""
    made = {(node.schema, node.table): node.unique_id for node in nodes if node.materialized in _KINDS}
    with connection.connect("builder") as conn:
        rows = conn.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('v', 'r') AND obj_description(c.oid, 'pg_class') = %s",
            [_MARK + digest],
        ).fetchall()
    return {made[place] for schema, name in rows if (place := (schema, name)) in made}


def mark(nodes: Iterable[Node], digest: str) -> None:
    """Note on those that were just made what they were made from; other nodes are left alone."""
    with connection.connect("builder") as conn:
        for node in nodes:
            if kind := _KINDS.get(node.materialized):
                conn.execute(
                    sql.SQL("COMMENT ON {} {} IS {}").format(
                        sql.SQL(kind), sql.Identifier(node.schema, node.table), sql.Literal(_MARK + digest)
                    )
                )
