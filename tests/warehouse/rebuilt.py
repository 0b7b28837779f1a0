"""What stands on the states of the inputs, built again by the SQL that dbt compiled: dbt takes seconds for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from quality.dbt_manifest import ManifestMissing

if TYPE_CHECKING:
    from quality.dbt_manifest import Manifest


def statements(manifest: Manifest, *names: str, allow_missing: bool = False) -> list[sql.Composed]:
    """DELETE and INSERT for these models and for every model that was built on them, each after those it reads.

    They fill the tables as dbt made them, with their constraints and indexes. Raises ManifestMissing for a model that
    was never compiled; with `allow_missing`, for a town of which a part was built, it is left out.
    """
    models = manifest.models()
    below = {uid for uid, node in models.items() if node["name"] in names}
    assert len(below) == len(names), names
    while more := {u for u, node in models.items() if below & set(node["depends_on"].get("nodes", []))} - below:
        below |= more
    order: list[str] = []
    while waiting := below - set(order):
        order += sorted(u for u in waiting if not waiting & set(models[u]["depends_on"]["nodes"]))
    made = []
    for node in (models[uid] for uid in order):
        try:
            compiled = sql.SQL(manifest.compiled_sql(node))  # type: ignore[arg-type]
        except ManifestMissing:
            if not allow_missing or node["name"] in names:
                raise
            continue
        table = sql.Identifier(node["schema"], node["name"])
        columns = sql.SQL(", ").join(map(sql.Identifier, node["columns"]))
        made.append(
            sql.SQL("DELETE FROM {t}; INSERT INTO {t} ({c}) SELECT {c} FROM ({q}\n) AS q").format(
                t=table, c=columns, q=compiled
            )
        )
    return made
