"""What the departments' data is like: defects by owner and reason over time, to be taken up with the owner.

Counts come from the ledger and never from the rows: a scorecard holds no personal data and outlives the retention of
what it counts.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from connectors.reasons import explain

_CARD = """
WITH pulled AS (
    SELECT l.load_id, l.system, l.stream, l.rows_in, (l.finished_at AT TIME ZONE 'Asia/Shanghai')::date AS day
      FROM control.load l WHERE (l.state, l.kind) = ('committed', 'pull')
), owned AS (
    SELECT system, stream, coalesce(owner, 'nobody') AS owner FROM control.stream
     WHERE %(owner)s::text IS NULL OR owner = %(owner)s
), seen AS (
    SELECT system, stream, sum(rows_in) FILTER (WHERE day > %(since)s) AS rows_now,
           sum(rows_in) FILTER (WHERE day <= %(since)s) AS rows_before
      FROM pulled WHERE day > %(before)s GROUP BY 1, 2
), held AS (
    SELECT system, stream, regexp_replace(reason, '^.*:', '') AS reason,
           count(*) AS waiting
      FROM quarantine.row, unnest(reasons) AS reason WHERE state = 'held' GROUP BY 1, 2, 3
)
SELECT o.owner, o.system, o.stream, d.reason, d.outcome,
       coalesce(sum(d.rows) FILTER (WHERE p.day > %(since)s), 0)::bigint AS defects,
       coalesce(sum(d.rows) FILTER (WHERE p.day <= %(since)s), 0)::bigint AS defects_before,
       coalesce(max(s.rows_now), 0)::bigint AS rows_in, coalesce(max(s.rows_before), 0)::bigint AS rows_before,
       coalesce(max(h.waiting), 0)::bigint AS waiting, min(p.day) AS first_day, max(p.day) AS last_day
  FROM control.defect d
  JOIN pulled p USING (load_id)
  JOIN owned o ON (o.system, o.stream) = (d.system, d.stream)
  LEFT JOIN seen s ON (s.system, s.stream) = (d.system, d.stream)
  LEFT JOIN held h ON (h.system, h.stream, h.reason) = (d.system, d.stream, d.reason)
 WHERE p.day > %(before)s
 GROUP BY 1, 2, 3, 4, 5
 ORDER BY defects DESC, 1, 2, 3, 4, 5
"""

_TICKETS = """
SELECT owner, count(*) AS corrections_open, count(*) FILTER (WHERE due_on < %(today)s) AS corrections_overdue
  FROM control.correction_status
 WHERE state <> 'closed' AND (%(owner)s::text IS NULL OR owner = %(owner)s)
 GROUP BY 1 ORDER BY 3 DESC, 2 DESC, 1
"""
_EMPTY = (
    "owner", "system", "stream", "reason", "outcome", "defects", "waiting", "first_day", "last_day", "per_thousand",
    "per_thousand_before", "corrections_open", "corrections_overdue", "remedy",
)  # fmt: skip


def scorecard(
    conn: psycopg.Connection, today: date, *, days: int = 7, owner: str | None = None
) -> list[dict[str, Any]]:
    """A row per owner, stream, reason and outcome of the last `days` days, beside the `days` before them.

    `per_thousand` and `per_thousand_before` are defects per thousand rows received (null where none were); `waiting`
    are rows in quarantine now; `corrections_open` and `corrections_overdue` are tickets of the owner; `remedy` says
    what to ask of the owner. The most defects first; an owner of tickets without defects has a row of its own.
    """
    since = today - timedelta(days=days)
    window = {"since": since, "before": since - timedelta(days=days), "owner": owner}
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_CARD, window).fetchall()
        tickets = {row.pop("owner"): row for row in cursor.execute(_TICKETS, {"today": today, "owner": owner})}
    card = [
        row
        | {
            "per_thousand": _rate(row["defects"], row.pop("rows_in")),
            "per_thousand_before": _rate(row.pop("defects_before"), row.pop("rows_before")),
            **tickets.get(row["owner"], {"corrections_open": 0, "corrections_overdue": 0}),
            "remedy": explain(row["reason"]),
        }
        for row in rows
    ]
    columns = card[0] if card else _EMPTY
    return card + [
        dict.fromkeys(columns)
        | {"owner": of, "defects": 0, **counted, "remedy": f"answer them: townhub correction list --owner {of}"}
        for of, counted in tickets.items()
        if of not in {row["owner"] for row in card}
    ]


def _rate(defects: int, rows: int) -> float | None:
    return round(1000 * defects / rows, 2) if rows else None
