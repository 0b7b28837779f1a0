"""What became of the rows of one load, and its entry in the ledger."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from connectors.conform import Outcome
from warehouse import ledger


@dataclass
class Landed:
    """What became of the rows of one load; `rows_in` = landed + unchanged + quarantined, always."""

    rows_in: int = 0
    landed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    tombstoned: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    newest: int | None = None
    """Highest cursor value among accepted rows, microseconds since 1970 UTC."""
    settled: int = 0
    """Rows held before that the source has settled by what it sent."""
    deletions_withheld: int = 0
    """Records that a snapshot lacked and that were not closed, because a row of it could be any of them."""
    let_through: set[str] = field(default_factory=set)
    """Kinds of holds without whose release the load would have been held."""
    lookups: dict[str, int] = field(default_factory=dict)
    """Of a look-up: values that are wanted, that were asked, and of these the ones whose answer stands."""
    added_columns: Counter[str] = field(default_factory=Counter)
    """Columns that no contract describes, with the accepted rows that came with them."""

    messages_missing: dict[str, str] | None = None
    """Of what came since the backup that this warehouse was restored from: {"from", "to"}; nobody sends it again."""

    @property
    def notes(self) -> dict[str, Any]:
        """What a person should know of the load that is no defect of a row."""
        found = {
            "held_rows_settled": self.settled,
            "deletions_withheld": self.deletions_withheld,
            "lookups": self.lookups,
            "added_columns": dict(self.added_columns),
            "messages_missing": self.messages_missing,
        }
        return {name: value for name, value in found.items() if value}

    @property
    def defects(self) -> list[tuple[str, str, str, int]]:
        """(column, reason, outcome, rows), in order."""
        return [(*outcome, rows) for outcome, rows in sorted(self.outcomes.items())]


def commit(
    conn: psycopg.Connection,
    load_id: int,
    landed: Landed,
    *,
    cursor: dict[str, Any] | None = None,
    bytes_in: int = 0,
    seconds: dict[str, float] | None = None,
    source_time: datetime | None = None,
) -> None:
    """Write the load's figures, its cursor and its defects into the ledger and commit all of it with the rows."""
    ledger.commit_load(
        conn,
        load_id,
        rows_in=landed.rows_in,
        landed=landed.landed,
        unchanged=landed.unchanged,
        quarantined=landed.quarantined,
        tombstoned=landed.tombstoned,
        bytes_in=bytes_in,
        cursor=cursor,
        seconds=seconds or {},
        defects=landed.defects,
        source_time=source_time,
        notes=landed.notes,
    )
    conn.commit()
