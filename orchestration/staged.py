"""The staging step: what was made from these very files is not made again, nor tested again.

A view is its definition and a seed its file. Making a hundred of them anew costs more than most of core. Each carries
the digest of the dbt project that it was made from as its comment; dbt replaces one together with its comment, and what
was dropped has none. The tests of this step look at seeds alone: at what their files say, and at which of their rows
are in force, which is the same until the next day on which one begins or ends. Where all of it stands, a pass leaves
the step out: what was not made again is not told as made.

The gates read the SQL of views where dbt has left it, in this home. Views that another home has made (of a warehouse
that was restored, or is no server of ours) are made again, for their SQL.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import psycopg
from psycopg import sql

from orchestration import environment, found_good, increments, manifest
from orchestration.dbt_runs import Outcome
from orchestration.manifest import STAGING, Node, Project
from warehouse import connection

_MARK = "made from "
_KINDS = {"view": "VIEW", "seed": "TABLE"}


def build(project: Project, chosen: list[Node], as_of: date) -> dict[str, Outcome]:
    """Make those that do not stand, and test them (see `dbt_runs.build`)."""
    from orchestration import dbt_runs

    digest, basis = _digest_and_basis(as_of)
    tests = {test.unique_id for test in project.tests_of(STAGING)}
    with connection.connect("builder", autocommit=True) as conn:
        made = _standing_here(conn, chosen, digest)
        tested = tests if _all_stand(conn, chosen, made, basis) else set()
        outcomes = dbt_runs.build(project, STAGING, as_of=as_of, only=chosen, standing=made | tested)
        mark(conn, [n for n in chosen if n.unique_id not in made and outcomes[n.unique_id].passed], digest)
        if tests - tested and all(uid in outcomes and outcomes[uid].passed for uid in tests):
            found_good.note(conn, found_good.SEEDS, basis, as_of)
    if all(uid in outcomes and outcomes[uid].passed for uid in (node.unique_id for node in project.nodes_of(STAGING))):
        _here().write_text(digest, encoding="utf-8")
    return outcomes


def stood(project: Project, as_of: date) -> dict[str, Outcome]:
    """The outcomes of the whole step, where all of it stands and all of its tests passed; else none."""
    from orchestration import dbt_runs

    nodes = project.nodes_of(STAGING)
    digest, basis = _digest_and_basis(as_of)
    with connection.connect("builder", autocommit=True) as conn:
        if not _all_stand(conn, nodes, _standing_here(conn, nodes, digest), basis):
            return {}
    everything = [*(node.unique_id for node in nodes), *(test.unique_id for test in project.tests_of(STAGING))]
    return {uid: dbt_runs.stands(uid) for uid in everything}


def _digest_and_basis(as_of: date) -> tuple[str, str]:
    """What nodes are made from, and what the tests of seeds rest on."""
    digest = manifest.digest(environment.DBT_PROJECT)
    return digest, f"{digest} {increments.dated_since(as_of)}"


def _all_stand(conn: psycopg.Connection, nodes: Iterable[Node], made: set[str], basis: str) -> bool:
    return all(node.unique_id in made for node in nodes) and found_good.is_known(conn, found_good.SEEDS, basis)


def _standing_here(conn: psycopg.Connection, nodes: Iterable[Node], digest: str) -> set[str]:
    """Those of them that stand, if their SQL is in this home."""
    here = _here()
    known = here.exists() and here.read_text(encoding="utf-8") == digest
    return standing(conn, nodes, digest) if known else set()


def _here() -> Path:
    """What the SQL in this home was compiled from; it goes with that."""
    return manifest.target_folder() / "compiled" / "staging.digest"


def standing(conn: psycopg.Connection, nodes: Iterable[Node], digest: str) -> set[str]:
    """The unique ids of those that were made from the project with this digest and are still there."""
    made = {(node.schema, node.table): node.unique_id for node in nodes if node.materialized in _KINDS}
    rows = conn.execute(
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('v', 'r') AND obj_description(c.oid, 'pg_class') = %s",
        [_MARK + digest],
    ).fetchall()
    return {made[place] for schema, name in rows if (place := (schema, name)) in made}


def mark(conn: psycopg.Connection, nodes: Iterable[Node], digest: str) -> None:
    """Note on those that were just made what they were made from."""
    for node in nodes:
        if kind := _KINDS.get(node.materialized):
            conn.execute(
                sql.SQL("COMMENT ON {} {} IS {}").format(
                    sql.SQL(kind), sql.Identifier(node.schema, node.table), sql.Literal(_MARK + digest)
                )
            )
