"""What keys out of use stand for: whoever has their records now, else what they were merged into.

A key stands for whoever has most of the records that it had at its end; when none of these is left, for what the key
that it was merged into stands for. Such a chain ends: each key in it went out of use after the one before.
"""

from __future__ import annotations

import psycopg

# One row per key out of use and holder of some of its records. Plain joins: before statistics are taken the planner
# knows of no such keys, and a nested query would be run once for each of them.
_HOLDERS = """
    SELECT e.entity_key, e.merged_into, e.resolves_to, n.entity_key AS holder, count(*)
      FROM resolution.entity e
      LEFT JOIN resolution.membership m ON m.entity_key = e.entity_key AND m.to_run = e.updated_run AND NOT m.voided
      LEFT JOIN resolution.membership n ON n.kind = m.kind AND n.to_run IS NULL
       AND (n.system, n.stream, n.record_key) = (m.system, m.stream, m.record_key)
     WHERE e.kind = %s AND e.status <> 'active'
     GROUP BY e.entity_key, n.entity_key
"""


def refresh(conn: psycopg.Connection, kind: str) -> None:
    """Write `resolves_to` of the keys for which it changed; after memberships and entities were written."""
    was: dict[str, str | None] = {}
    best: dict[str, tuple[int, bool, str]] = {}
    step: dict[str, str | None] = {}
    for key, merged_into, resolves_to, holder, records in conn.execute(_HOLDERS, [kind]).fetchall():
        was[key] = resolves_to
        step.setdefault(key, merged_into)
        if holder is None:
            continue
        # The most records, then what the key was merged into; the key itself only so that the choice is always one.
        claim = (records, holder == merged_into, holder)
        if key not in best or claim > best[key]:
            best[key] = claim
    step |= {key: holder for key, (_, _, holder) in best.items()}
    changed = {key: end for key in step if (end := _end(key, step)) != was[key]}
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
