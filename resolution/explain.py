"""Why these records are one: their links, the evidence between them, what became of the key, who decided what."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl
import psycopg
from psycopg.rows import dict_row

from resolution import decisions, ledger, record_fields, residents, sources
from resolution.decisions import Record
from resolution.errors import IdentityError
from resolution.record_fields import Fields

SET_ASIDE = "its identity number is likely another person's and was set aside"
NO_WEIGHTS = "rules linked these records, and rules have no weights: the kind and reason of each link is all there is"


class Evidence(Protocol):
    """What a probabilistic model holds for and against two records."""

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        """`records`: rows of the kind's schema (`resolution.sources.SCHEMAS`). Gives a, b (rows of `records`), field,
        evidence (in words, without values) and weight (log2 of the Bayes factor)."""
        ...


@dataclass(frozen=True)
class Explanation:
    """All that is known of a key. `records` belong to what it resolves to now; `note` says why `edges` is empty."""

    key: str
    kind: str
    status: str
    resolves_to: str | None
    records: list[dict[str, Any]]
    edges: list[dict[str, Any]]
    note: str
    history: list[dict[str, Any]]
    decisions: list[dict[str, Any]]


def evidence_of(kind: str) -> Evidence | None:
    """The model's own explanation where the kind is linked by a model, None where rules link it."""
    return residents.explain if kind == "resident" else None


def explain(conn: psycopg.Connection, key: str, evidence: Evidence | None = None) -> Explanation:
    """Why a key stands for what it stands for (role builder). Raises IdentityError for a key that was never given.

    Without `evidence` the kind's own model is asked, where there is one.
    """
    now = ledger.resolve_key(conn, key)
    kind, status = _state(conn, key)
    records = _records(conn, now) if now is not None else []
    set_aside = {each["record"] for each in records if each.pop("borrowed")}
    edges, note = _edges(conn, kind, [each["record"] for each in records], set_aside, evidence or evidence_of(kind))
    decided = decisions.about(conn, kind, [each["record"] for each in records])
    return Explanation(key, kind, status, now, records, edges, note, _history(conn, key), decided)


def _state(conn: psycopg.Connection, key: str) -> tuple[str, str]:
    row = conn.execute("SELECT kind, status FROM resolution.entity WHERE entity_key = %s", [key]).fetchone()
    if row is None:
        raise IdentityError(f"there is no key {key}: it was purged a moment ago")
    return str(row[0]), str(row[1])


def _records(conn: psycopg.Connection, key: str) -> list[dict[str, Any]]:
    rows = conn.execute(
        """SELECT system, stream, record_key, link_kind, reason, weight, started_at, borrowed
             FROM resolution.membership m LEFT JOIN resolution.run r ON r.run_id = m.from_run
            WHERE entity_key = %s AND to_run IS NULL ORDER BY 1, 2, 3""",
        [key],
    ).fetchall()
    return [
        {"record": Record(*row[:3]), "link_kind": row[3], "reason": f"{row[4]}; {SET_ASIDE}" if row[7] else row[4],
         "weight": row[5], "since": row[6], "borrowed": row[7]}
        for row in rows
    ]  # fmt: skip


def _edges(
    conn: psycopg.Connection, kind: str, records: Sequence[Record], set_aside: Set[Record], evidence: Evidence | None
) -> tuple[list[dict[str, Any]], str]:
    if len(records) < 2:
        return [], "there is one record, and nothing to link"
    if evidence is None:
        return [], NO_WEIGHTS
    read = record_fields.read(conn, kind, records)
    for record in set_aside & read.keys():  # what was set aside linked nothing
        read[record]["resident_id_no"] = None
    named = [record for record in records if record in read]
    if len(named) < 2:
        return [], "fewer than two of its records are staged now: run `townhub run`, then ask again"
    found = evidence(_frame(kind, named, read))
    return [row | {"a": named[row["a"]], "b": named[row["b"]]} for row in found.iter_rows(named=True)], ""


def _frame(kind: str, named: Sequence[Record], read: dict[Record, Fields]) -> pl.DataFrame:
    schema = next(found for name, found in sources.SCHEMAS.items() if sources.entity_kind(name) == kind)
    rows = [{**record._asdict(), **read[record]} for record in named]
    texts = pl.DataFrame(rows, schema=dict.fromkeys(schema, pl.String()), orient="row")
    return texts.with_columns(pl.col(name).str.to_date() for name, type_ in schema.items() if type_ == pl.Date)


def _history(conn: psycopg.Connection, key: str) -> list[dict[str, Any]]:
    """What happened to a key, the oldest first; its creation stands on the entity itself."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """SELECT created_run AS run, started_at AS at, 'create' AS type, NULL AS from_key, entity_key AS to_key,
                      NULL::jsonb AS cause
                 FROM resolution.entity e LEFT JOIN resolution.run r ON r.run_id = e.created_run
                WHERE entity_key = %(key)s
                  AND NOT EXISTS (SELECT FROM resolution.event WHERE to_key = %(key)s AND type IN ('create', 'split'))
               UNION ALL
               SELECT * FROM (
                   SELECT run_id, at, type, from_key, to_key, cause FROM resolution.event
                    WHERE from_key = %(key)s OR to_key = %(key)s ORDER BY event_id) AS told""",
            {"key": key},
        ).fetchall()
