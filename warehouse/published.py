"""What Postgres alone tells of a published value: which release showed it, why it was let through, what it rests on.

Read as role auditor. A day is the town's own, in Asia/Shanghai, and "on a day" is at its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from warehouse.errors import ReleaseError
from warehouse.settings import TIME_ZONE

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Shown:
    """A release while apps saw it: from when, until when (None: they see it still), moved there by whom and why."""

    release_id: int
    family: str
    candidate_id: int
    as_of: date
    content_hash: str
    published_at: datetime
    published_by: str
    row_changes: dict[str, dict[str, int]]
    shown_from: datetime
    shown_until: datetime | None
    moved_by: str
    move_reason: str | None
    purged_at: datetime | None
    purge_certificate: int | None
    erased_rows: int

    def refuse_purged(self) -> None:
        """Raise ReleaseError when its rows were deleted by their retention."""
        if self.purged_at is not None:
            raise ReleaseError(
                f"what release {self.release_id} of {self.family} showed was deleted on "
                f"{self.purged_at.astimezone(ZoneInfo(TIME_ZONE)):%Y-%m-%d} by its retention; audit entry "
                f"{self.purge_certificate} is the certificate. Its verdicts and inputs are kept: see `townhub release "
                f"explain {self.release_id}`"
            )


@dataclass(frozen=True)
class Version:
    """A released row as it was from one release on, up to another (None: it stands in the newest)."""

    row: dict[str, Any]
    from_release: int
    to_release: int | None

    def stands_in(self, release_id: int) -> bool:
        return self.from_release <= release_id and (self.to_release is None or self.to_release > release_id)


_SHOWN = """
SELECT r.release_id, r.family, r.candidate_id, r.as_of, r.content_hash, r.published_at, r.published_by, r.row_changes,
    r.purged_at, r.purge_certificate, r.erased_rows, m.moved_at AS shown_from, m.moved_by, m.reason AS move_reason,
    (SELECT min(later.moved_at) FROM control.release_move later
     WHERE later.family = m.family AND later.move_id > m.move_id) AS shown_until
FROM control.release_move m JOIN control.release r USING (release_id)
"""

# Loads are what a candidate's build read where that was noted, else the newest before it was registered. The state is
# what the gate saw; an input that the gate did not look at has none.
_INPUTS = """
SELECT n.system, n.stream, l.load_id, c.inputs ? (n.system || '.' || n.stream) AS noted, l.finished_at AS loaded_at,
    l.source_time, l.contract_version, l.rows_in, l.rows_landed, l.rows_quarantined, l.rows_tombstoned,
    v.observed -> (n.system || '.' || n.stream) ->> 'state' AS state_then, i.state AS state_now,
    i.last_load_id AS newest_load
FROM control.candidate c
CROSS JOIN unnest(%(systems)s::text[], %(streams)s::text[]) AS n (system, stream)
LEFT JOIN control.load l ON l.load_id = coalesce(
    (c.inputs ->> (n.system || '.' || n.stream))::bigint,
    (SELECT max(b.load_id) FROM control.load b
     WHERE (b.system, b.stream, b.state) = (n.system, n.stream, 'committed') AND b.finished_at <= c.created_at))
LEFT JOIN control.input_status i ON (i.system, i.stream) = (n.system, n.stream)
LEFT JOIN LATERAL (
    SELECT observed FROM control.verdict
    WHERE candidate_id = c.candidate_id AND check_name = 'guard.freshness' ORDER BY verdict_id DESC LIMIT 1
) v ON true
WHERE c.candidate_id = %(candidate)s
ORDER BY 1, 2
"""


def end_of(day: date) -> datetime:
    """The last moment of a day of the town."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(TIME_ZONE)) - timedelta(microseconds=1)


def shown(connection: psycopg.Connection, family: str, day: date | None = None) -> Shown:
    """The release of a family that apps see now, or saw at the end of a day.

    Raises ReleaseError when there was none, with what there is.
    """
    at = None if day is None else end_of(day)
    with connection.cursor(row_factory=class_row(Shown)) as cursor:
        found = cursor.execute(
            _SHOWN + "WHERE m.family = %(family)s AND (%(at)s::timestamptz IS NULL OR m.moved_at <= %(at)s)"
            " ORDER BY m.moved_at DESC, m.move_id DESC LIMIT 1",
            {"family": family, "at": at},
        ).fetchone()
    if found is not None:
        return found
    first = connection.execute("SELECT min(moved_at) FROM control.release_move WHERE family = %s", [family]).fetchone()
    if first is None or first[0] is None:
        raise ReleaseError(f"nothing of {family} was published yet; see `townhub release list` and `townhub run`")
    begun = first[0].astimezone(ZoneInfo(TIME_ZONE))
    raise ReleaseError(
        f"nothing of {family} was shown on {day}: its first release was published on {begun:%Y-%m-%d}. Days are those "
        "on which apps saw a release; the day that it speaks of (as of) stands in `townhub release list`"
    )


def shown_as(connection: psycopg.Connection, release_id: int) -> Shown:
    """A release as apps saw it last. Raises ReleaseError for one that there is not."""
    with connection.cursor(row_factory=class_row(Shown)) as cursor:
        found = cursor.execute(
            _SHOWN + "WHERE r.release_id = %s ORDER BY m.move_id DESC LIMIT 1", [release_id]
        ).fetchone()
    if found is None:
        raise ReleaseError(f"there is no release {release_id}; see `townhub release list`")
    return found


def moves_of(connection: psycopg.Connection, family: str, day: date) -> Rows:
    """Every release that apps saw on a day, in the order in which they saw them."""
    begin = end_of(day - timedelta(days=1))
    found = {"family": family, "begin": begin, "end": end_of(day)}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "SELECT s.release_id AS release, s.as_of, s.shown_from, s.shown_until, s.moved_by AS by,"
            f" s.move_reason AS reason FROM ({_SHOWN} WHERE m.family = %(family)s AND m.moved_at <= %(end)s) s"
            " WHERE s.shown_until IS NULL OR s.shown_until > %(begin)s ORDER BY s.shown_from".encode(),
            found,
        ).fetchall()


def verdicts(connection: psycopg.Connection, candidate_id: int) -> Rows:
    """The last verdict of each check on a candidate; `observed` holds counts and no values."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            'SELECT DISTINCT ON (check_name) check_name AS "check", state, rows_checked AS rows, observed,'
            " created_at AS at FROM control.verdict WHERE candidate_id = %s ORDER BY check_name, verdict_id DESC",
            [candidate_id],
        ).fetchall()


def inputs(connection: psycopg.Connection, candidate_id: int, wanted: Iterable[tuple[str, str]]) -> Rows:
    """A candidate's inputs: the load that each was read up to, its state as the gate saw it, and how it stands now."""
    pairs = list(wanted)
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            _INPUTS,
            {
                "candidate": candidate_id,
                "systems": [system for system, _ in pairs],
                "streams": [stream for _, stream in pairs],
            },
        ).fetchall()


def released(connection: psycopg.Connection, product: str, match: Mapping[str, str]) -> list[Version]:
    """Every released version of the rows of a product that have these values, the oldest first.

    A value that its column cannot have matches nothing. Raises ReleaseError for what is no column of the product.
    """
    try:
        with connection.transaction():
            rows = connection.execute(
                "SELECT released, from_release, to_release FROM control.released_rows(%s, %s)",
                [product, Jsonb(dict(match))],
            ).fetchall()
    except psycopg.DataError:
        return []
    except psycopg.errors.RaiseException as error:
        raise ReleaseError(f"{error.diag.message_primary}; {error.diag.message_hint}") from error
    return [
        Version({name: value for name, value in row.items() if name not in ("from_release", "to_release")}, first, last)
        for row, first, last in rows
    ]


def published_at(connection: psycopg.Connection, releases: Iterable[int]) -> dict[int, datetime]:
    """release → when it was published."""
    rows = connection.execute(
        "SELECT release_id, published_at FROM control.release WHERE release_id = ANY (%s)", [sorted(set(releases))]
    ).fetchall()
    return {int(release_id): at for release_id, at in rows}


def aliases(connection: psycopg.Connection, key: str) -> tuple[str | None, list[str]]:
    """(the key that a key of an entity stands for now, every key that stands for the same): (None, []) for no such key.

    A retired key stands for itself alone.
    """
    row = connection.execute(
        "SELECT CASE status WHEN 'active' THEN entity_key ELSE resolves_to END, entity_key"
        " FROM resolution.entity WHERE entity_key = %s",
        [key],
    ).fetchone()
    if row is None:
        return None, []
    now = row[0]
    if now is None:
        return None, [key]
    rows = connection.execute(
        "SELECT entity_key FROM resolution.entity WHERE entity_key = %(now)s OR resolves_to = %(now)s ORDER BY"
        " entity_key <> %(now)s, entity_key",
        {"now": now},
    ).fetchall()
    return str(now), [str(each[0]) for each in rows]


def links_of(connection: psycopg.Connection, key: str) -> tuple[str | None, Rows]:
    """(kind, records with link_kind and reason) of an entity now; (None, []) for no such key."""
    entity = connection.execute("SELECT kind FROM resolution.entity WHERE entity_key = %s", [key]).fetchone()
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "SELECT system, stream, record_key, link_kind, reason FROM resolution.membership"
            " WHERE entity_key = %s AND to_run IS NULL ORDER BY 1, 2, 3",
            [key],
        ).fetchall()
    return (None if entity is None else str(entity[0])), rows


def records_of(connection: psycopg.Connection, key: str, at: datetime | None = None) -> list[tuple[str, str, str]]:
    """(system, stream, record_key) of the records of an entity now, or as the last run before a moment linked them."""
    rows = connection.execute(
        "SELECT m.system, m.stream, m.record_key FROM resolution.membership m"
        " LEFT JOIN resolution.run opened ON opened.run_id = m.from_run"
        " LEFT JOIN resolution.run closed ON closed.run_id = m.to_run"
        " WHERE m.entity_key = %(key)s AND CASE WHEN %(at)s::timestamptz IS NULL THEN m.to_run IS NULL"
        "   ELSE coalesce(opened.finished_at <= %(at)s, true)"
        "        AND (m.to_run IS NULL OR closed.finished_at > %(at)s) END ORDER BY 1, 2, 3",
        {"key": key, "at": at},
    ).fetchall()
    return [(str(a), str(b), str(c)) for a, b, c in rows]
