"""What keys out of use stand for: whoever has their records now, else what they were merged into.

A key stands for whoever has most of the records that it had at its end; when none of these is left, for what the key
that it was merged into stands for. Such a chain ends: each key in it went out of use after the one before.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import psycopg

from resolution import restoring

MANY = 100_000
"""Where more records came, went or moved than this, to look at all keys costs no more than to find those concerned."""

# One row per key out of use and holder of some of its records, with what the key that it was merged into stands for.
# Plain joins: before statistics are taken the planner knows of no such keys, and a nested query would be run for each.
_HOLDERS = """
    SELECT e.entity_key, e.merged_into, e.resolves_to, n.entity_key AS holder, count(*),
           t.status <> 'active' AS into_ended, t.resolves_to AS into_stands_for
      FROM resolution.entity e
      LEFT JOIN resolution.membership m ON m.entity_key = e.entity_key AND m.to_run = e.updated_run AND NOT m.voided
      LEFT JOIN resolution.membership n ON n.kind = m.kind AND n.to_run IS NULL
       AND (n.system, n.stream, n.record_key) = (m.system, m.stream, m.record_key)
      LEFT JOIN resolution.entity t ON t.entity_key = e.merged_into
     WHERE e.kind = %(kind)s AND e.status <> 'active'
"""
_EACH = " GROUP BY e.entity_key, n.entity_key, t.entity_key"
# Whoever was merged into a key, at whatever distance, stands for what that one stands for.
_UPSTREAM = """
    WITH RECURSIVE up (entity_key) AS (
        SELECT unnest(%(keys)s::text[])
        UNION SELECT e.entity_key FROM up JOIN resolution.entity e ON e.merged_into = up.entity_key
    ) SELECT entity_key FROM up
"""


def refresh(
    conn: psycopg.Connection, kind: str, records: pl.DataFrame | None = None, moved: pl.Series | None = None
) -> None:
    """Write `resolves_to` of the keys for which it changed; after memberships and entities were written.

    With `records` (system, stream, record_key) that came, went or changed hands, and keys that were `moved` (ended or
    came back), only what hangs on these is looked at: the others stand for what they stood for.
    """
    query = _HOLDERS + _EACH
    given: dict[str, Any] = {"kind": kind}
    if records is not None and moved is not None and records.height < MANY:
        given["keys"] = [*restoring.touched(conn, kind, records), *moved]
        given["keys"] = [row[0] for row in conn.execute(_UPSTREAM, given).fetchall()]
        query = _HOLDERS + " AND e.entity_key = ANY (%(keys)s)" + _EACH
    was: dict[str, str | None] = {}
    best: dict[str, tuple[int, bool, str]] = {}
    step: dict[str, str | None] = {}
    ends: dict[str, str | None] = {}
    for key, merged_into, resolves_to, holder, count, into_ended, into in conn.execute(query, given).fetchall():
        was[key] = resolves_to
        step.setdefault(key, merged_into)
        if into_ended:
            ends[merged_into] = into
        if holder is None:
            continue
        # The most records, then what the key was merged into; the key itself only so that the choice is always one.
        claim = (count, holder == merged_into, holder)
        if key not in best or claim > best[key]:
            best[key] = claim
    step |= {key: holder for key, (_, _, holder) in best.items()}
    # A key that is not looked at stands for what it stood for.
    step = ends | step
    changed = {key: end for key in was if (end := _end(key, step)) != was[key]}
    if changed:
        conn.execute(
            "UPDATE resolution.entity e SET resolves_to = c.resolves_to"
            " FROM unnest(%s::text[], %s::text[]) AS c(key, resolves_to) WHERE e.entity_key = c.key",
            [list(changed), list(changed.values())],
        )


def _end(key: str, step: dict[str, str | None]) -> str | None:
    """The key in use at the end of a chain, None where it ends in a retired one."""
    at: str | None = key
    while at is not None and at in step:
        at = step[at]
    return at
