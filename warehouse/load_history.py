"""What the ledger tells of a source before it is asked again: how its last pulls ended, how long and how big they were.

All of it comes from `control.load`, so it outlives the process and is the same for every one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

TROUBLE: Final[dict[str, Any]] = {"source_in_trouble": True}
"""The note of a load that failed by its source's passing trouble, and not by a defect of ours, of the warehouse or of
the agreement."""
TROUBLE_AFTER: Final = 3
"""So many failed loads in a row make a source one that is only probed."""
TROUBLE_LASTS: Final = timedelta(hours=6)
"""A failure longer ago says nothing of today: a daily source gets all its tries every day."""

_LAST_FAILED = """
SELECT count(*) FILTER (WHERE trouble) = %(loads)s
  FROM (SELECT state = 'failed' AND coalesce(notes ? 'source_in_trouble', false)
               AND finished_at > clock_timestamp() - %(lasts)s AS trouble
          FROM control.load
         WHERE system = %(system)s AND (%(stream)s::text IS NULL OR stream = %(stream)s)
               AND kind = 'pull' AND state <> 'running'
         ORDER BY load_id DESC LIMIT %(loads)s) AS last
"""

_HISTORIES = """
SELECT s.system, s.stream, last.state = 'failed' AS failed, last.seconds, usual.rows
  FROM control.stream s
  JOIN LATERAL (SELECT l.state, extract(epoch FROM l.finished_at - l.started_at)::float8 AS seconds
                  FROM control.load l
                 WHERE (l.system, l.stream, l.kind) = (s.system, s.stream, 'pull') AND l.state <> 'running'
                 ORDER BY l.load_id DESC LIMIT 1) AS last ON true
  LEFT JOIN LATERAL (SELECT max(rows_in) AS rows
                       FROM (SELECT l.rows_in FROM control.load l
                              WHERE (l.system, l.stream, l.kind) = (s.system, s.stream, 'pull')
                                    AND l.state = 'committed'
                              ORDER BY l.load_id DESC LIMIT 10) AS recent) AS usual ON true
"""

_LAST_HEARD = """
SELECT coalesce(
    (SELECT source_time FROM control.load
      WHERE (system, stream, kind, state) = (%(system)s, %(stream)s, 'pull', 'committed')
      ORDER BY load_id DESC LIMIT 1),
    (SELECT started_at FROM control.load
      WHERE (system, stream, kind) = (%(system)s, %(stream)s, 'pull') ORDER BY load_id LIMIT 1),
    now())
"""


@dataclass(frozen=True)
class History:
    """A stream's past: whether its last pull failed, the seconds that it took, the most rows of its last ten loads."""

    failed: bool
    seconds: float
    rows: int | None


def in_trouble(connection: psycopg.Connection, system: str, stream: str) -> bool:
    """Whether the last `TROUBLE_AFTER` pulls of the stream, or of its whole system, failed of late by the source."""
    for of in (stream, None):
        row = connection.execute(
            _LAST_FAILED, {"loads": TROUBLE_AFTER, "lasts": TROUBLE_LASTS, "system": system, "stream": of}
        ).fetchone()
        if row is not None and row[0]:
            return True
    return False


def histories(connection: psycopg.Connection) -> dict[tuple[str, str], History]:
    """(system, stream) → its history, for every stream that was ever pulled."""
    rows = connection.execute(_HISTORIES).fetchall()
    return {(system, stream): History(failed, seconds, count) for system, stream, failed, seconds, count in rows}


def last_heard(connection: psycopg.Connection, system: str, stream: str) -> datetime:
    """When a source that does not answer was last heard by the loads so far; never heard, it is silent since the first.

    The loads outlive its messages, which are purged, and its position, which is forgotten when all is read again.
    """
    row = connection.execute(_LAST_HEARD, {"system": system, "stream": stream}).fetchone()
    assert row is not None
    heard: datetime = row[0]
    return heard
