"""What stands of a stream after a load: how many rows, and a few of them in the columns that anyone may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from connectors.contract import Stream
from orchestration import statistics

PREVIEW_ROWS = 5
PREVIEW_CLASSES = ("L1", "L2")
PERSONAL_STANDARDS = ("cn.person_name", "cn.resident_id", "cn.phone", "cn.disability_certificate", "cn.bank_account")
"""Never previewed, whatever their class: a public register may show a name, the event log may not."""


@dataclass(frozen=True)
class CurrentRows:
    rows: int
    preview: str
    """A table in Markdown; empty where there is nothing to show."""


def look(conn: psycopg.Connection, stream: Stream, changed: int) -> CurrentRows:
    """The current version of a stream, of which a load has just changed so many rows (role loader, committing)."""
    table = sql.Identifier(stream.landing_schema, stream.landing_table)
    shown = [] if stream.isolated else [column.name for column in stream.columns if _is_open(column)]
    counted = conn.execute(sql.SQL("SELECT count(*) FROM {} WHERE _to_load IS NULL").format(table)).fetchone()
    current = int(counted[0]) if counted else 0
    if statistics.worth_it(changed, current):
        statistics.take(conn, (stream.landing_schema, stream.landing_table))
    rows: Iterable[tuple[Any, ...]] = ()
    if shown:
        query = sql.SQL("SELECT {} FROM {} WHERE _to_load IS NULL LIMIT {}").format(
            sql.SQL(", ").join(map(sql.Identifier, shown)), table, sql.Literal(PREVIEW_ROWS)
        )
        rows = conn.execute(query).fetchall()
    return CurrentRows(current, _markdown(shown, rows))


def _is_open(column: Any) -> bool:
    return (
        column.classification in PREVIEW_CLASSES
        and not column.sensitive
        and column.semantic_type not in PERSONAL_STANDARDS
    )


def _markdown(columns: list[str], rows: Iterable[tuple[Any, ...]]) -> str:
    lines = [" | ".join(_cell(value) for value in row) for row in rows]
    if not lines:
        return ""
    head = [" | ".join(columns), " | ".join("---" for _ in columns)]
    return "\n".join(f"| {line} |" for line in head + lines)


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return (text if len(text) <= 40 else text[:39] + "…").replace("|", "\\|").replace("\n", " ")
