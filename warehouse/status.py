"""What `townhub status` shows: a line per stream with its last load and freshness."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row


@dataclass(frozen=True)
class StreamStatus:
    """A stream's last load, its last committed load, and what waits for a person.

    `input_state` is fresh, aged, missing, failed or disabled (the view control.input_status); `state` is the last
    load's. The row counts are of the last load.
    """

    system: str
    stream: str
    owner: str | None
    input_state: str
    freshness_seconds: int | None
    last_load: int | None
    state: str | None
    started_at: datetime | None
    finished_at: datetime | None
    rows_in: int
    rows_landed: int
    rows_unchanged: int
    rows_quarantined: int
    rows_tombstoned: int
    error: str | None
    notes: dict[str, Any] | None
    last_committed_at: datetime | None
    age_seconds: float | None
    held_rows: int
    open_holds: int


_STATUS = """
SELECT s.system, s.stream, s.owner, i.state AS input_state, s.freshness_seconds, l.load_id AS last_load, l.state,
    l.started_at, l.finished_at, coalesce(l.rows_in, 0) AS rows_in, coalesce(l.rows_landed, 0) AS rows_landed,
    coalesce(l.rows_unchanged, 0) AS rows_unchanged, coalesce(l.rows_quarantined, 0) AS rows_quarantined,
    coalesce(l.rows_tombstoned, 0) AS rows_tombstoned, l.error,
    nullif(coalesce(l.notes, '{}') || coalesce(gap.notes, '{}'), '{}') AS notes, i.last_committed_at,
    extract(epoch FROM now() - i.last_committed_at)::float8 AS age_seconds,
    (SELECT count(*) FROM quarantine.row q
     WHERE (q.system, q.stream, q.state) = (s.system, s.stream, 'held')) AS held_rows,
    (SELECT count(*) FROM control.hold h
     WHERE (h.system, h.stream) = (s.system, s.stream) AND h.released_at IS NULL) AS open_holds
FROM control.stream s
JOIN control.input_status i USING (system, stream)
-- What no later load can make good stays told: see ledger.note_restore.
LEFT JOIN LATERAL (SELECT jsonb_build_object('messages_missing', coalesce(value -> 'restored', value -> 'gap')) AS notes
                   FROM control.cursor c WHERE (c.system, c.stream) = (s.system, s.stream)
                   AND s.load_kind = 'messages' AND value ?| '{restored,gap}') gap ON true
LEFT JOIN LATERAL (SELECT * FROM control.load l WHERE (l.system, l.stream) = (s.system, s.stream)
                   ORDER BY load_id DESC LIMIT 1) l ON true
ORDER BY s.system, s.stream
"""


def status_rows(connection: psycopg.Connection) -> list[StreamStatus]:
    """Every stream that the contracts name, with its last load (role loader)."""
    with connection.cursor(row_factory=class_row(StreamStatus)) as cursor:
        return cursor.execute(_STATUS).fetchall()
