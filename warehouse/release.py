"""Candidates and releases: thin calls of the functions in Postgres that decide.

Nothing here checks a gate: `control.publish` does, so that no caller can get round it. No function commits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from warehouse.errors import ReleaseError
from warehouse.settings import TIME_ZONE


@dataclass(frozen=True)
class Candidate:
    """A family's candidate tables as they were when it was registered; `row_counts` by product."""

    candidate_id: int
    family: str
    content_hash: str
    row_counts: dict[str, int]
    as_of: date
    run_id: str | None


@dataclass(frozen=True)
class Release:
    """What a publish did; `published` False when this content was shown for this day already.

    `changes` by product: rows, inserted, closed.
    """

    release_id: int
    family: str
    published: bool
    content_hash: str
    changes: dict[str, dict[str, int]]


@dataclass(frozen=True)
class ReleaseEntry:
    """A release in the list; `current` when the family's pointer stands on it, `row_changes` by product.

    `purged_at`: its rows were deleted by their retention, with the audit entry `purge_certificate`; `erased_rows`: so
    many, of residents of whom nothing is held any more.
    """

    release_id: int
    family: str
    candidate_id: int
    content_hash: str
    as_of: date
    published_at: datetime
    published_by: str
    row_changes: dict[str, dict[str, int]]
    purged_at: datetime | None
    purge_certificate: int | None
    erased_rows: int
    current: bool


@dataclass(frozen=True)
class ProductDiff:
    """Keys of a product that differ between two releases."""

    product: str
    added: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    changed: list[dict[str, Any]]


_RELEASE = """
SELECT r.release_id, r.family, r.candidate_id, r.content_hash, r.as_of, r.published_at, r.published_by, r.row_changes,
    r.purged_at, r.purge_certificate, r.erased_rows,
    coalesce(p.release_id = r.release_id, false) AS current
FROM control.release r LEFT JOIN control.release_pointer p USING (family)
"""


def families(connection: psycopg.Connection) -> list[str]:
    """The product families."""
    rows = connection.execute("SELECT DISTINCT family FROM control.product ORDER BY 1").fetchall()
    return [str(row[0]) for row in rows]


def register_candidate(
    connection: psycopg.Connection,
    family: str,
    as_of: date,
    run_id: str | None = None,
    *,
    inputs: dict[str, Any] | None = None,
) -> Candidate:
    """Note the family's candidate tables as they are now (role builder); verdicts then speak of this candidate.

    Raises ReleaseError when a table is missing or does not have the released table's columns.
    """
    with _explained(), connection.cursor(row_factory=class_row(Candidate)) as cursor:
        noted = connection.execute(
            "SELECT control.register_candidate(%s, %s, %s, %s)",
            [family, as_of, None if inputs is None else Jsonb(inputs), run_id],
        ).fetchone()
        found = cursor.execute(
            "SELECT candidate_id, family, content_hash, row_counts, as_of, run_id FROM control.candidate "
            "WHERE candidate_id = %s",
            noted,
        ).fetchone()
    assert found is not None
    return found


def obstacles(connection: psycopg.Connection, candidate_id: int) -> list[str]:
    """What forbids publishing a candidate, in words; empty when its verdicts allow it."""
    row = connection.execute("SELECT control.obstacles(%s)", [candidate_id]).fetchone()
    return list(row[0]) if row else []


def publish(connection: psycopg.Connection, candidate_id: int, by: str, run_id: str | None = None) -> Release:
    """Publish a candidate if every verdict is green (role builder or publisher).

    The release that shows the same content for the same day already is returned, with `published` False.
    Raises ReleaseError with the offending checks.
    """
    before = connection.execute(
        "SELECT p.release_id FROM control.candidate c JOIN control.release_pointer p USING (family) "
        "WHERE c.candidate_id = %s",
        [candidate_id],
    ).fetchone()
    with _explained():
        row = connection.execute("SELECT control.publish(%s, %s, %s)", [candidate_id, by, run_id]).fetchone()
    assert row is not None
    entry = show_release(connection, int(row[0]))
    published = before is None or before[0] != entry.release_id
    changes = entry.row_changes if published else {}
    return Release(entry.release_id, entry.family, published, entry.content_hash, changes)


def rollback(connection: psycopg.Connection, family: str, release_id: int, by: str, reason: str) -> None:
    """Show an earlier (or later) release of the family again (role publisher); audited with name and reason.

    The family is held there: nothing new of it is published until `resume`.
    """
    with _explained():
        connection.execute("SELECT control.rollback(%s, %s, %s, %s)", [family, release_id, by, reason])


def resume(connection: psycopg.Connection, family: str, by: str, reason: str) -> None:
    """Lift the hold that a rollback put on a family (role publisher); audited with name and reason."""
    with _explained():
        connection.execute("SELECT control.resume(%s, %s, %s)", [family, by, reason])


def purge_history(connection: psycopg.Connection, family: str, today: date, days: int) -> int:
    """Delete the rows of releases that apps saw last so many days ago (role loader); how many. With its certificate.

    What apps see now is kept, and all that came after it.
    """
    before = datetime.combine(today - timedelta(days=days), time(), ZoneInfo(TIME_ZONE))
    row = connection.execute("SELECT control.purge_released(%s, %s, 'retention')", [family, before]).fetchone()
    assert row is not None
    return int(row[0])


def list_releases(connection: psycopg.Connection, family: str | None = None, *, limit: int = 100) -> list[ReleaseEntry]:
    """The newest releases, newest first."""
    with connection.cursor(row_factory=class_row(ReleaseEntry)) as cursor:
        return cursor.execute(
            _RELEASE
            + "WHERE %(family)s::text IS NULL OR r.family = %(family)s ORDER BY r.release_id DESC LIMIT %(limit)s",
            {"family": family, "limit": limit},
        ).fetchall()


def show_release(connection: psycopg.Connection, release_id: int) -> ReleaseEntry:
    """One release. Raises ReleaseError when there is none of this id."""
    with connection.cursor(row_factory=class_row(ReleaseEntry)) as cursor:
        found = cursor.execute(_RELEASE + "WHERE r.release_id = %s", [release_id]).fetchone()
    if found is None:
        raise ReleaseError(f"there is no release {release_id}; see `townhub release list`")
    return found


def current_release(connection: psycopg.Connection, family: str) -> ReleaseEntry | None:
    """The release that apps see now, None before the first."""
    with connection.cursor(row_factory=class_row(ReleaseEntry)) as cursor:
        return cursor.execute(_RELEASE + "WHERE r.family = %s AND p.release_id = r.release_id", [family]).fetchone()


def diff_releases(connection: psycopg.Connection, before: int, after: int) -> list[ProductDiff]:
    """Which keys differ between two releases of a family (role publisher), product by product."""
    first, second = show_release(connection, before), show_release(connection, after)
    if first.family != second.family:
        raise ReleaseError(
            f"release {before} is of {first.family} and {after} of {second.family}: compare two of one family"
        )
    products = connection.execute(
        "SELECT product, key_columns FROM control.product WHERE family = %s ORDER BY 1", [first.family]
    ).fetchall()
    with _explained():
        return [_diff(connection, product, keys, before, after) for product, keys in products]


def serving_hash(connection: psycopg.Connection) -> str:
    """One hash of everything that serving shows now, free of entity keys and times."""
    row = connection.execute("SELECT control.serving_hash()").fetchone()
    assert row is not None
    return str(row[0])


def _diff(connection: psycopg.Connection, product: str, keys: list[str], before: int, after: int) -> ProductDiff:
    key = sql.SQL(", ").join(sql.SQL("{0}, r -> {0}").format(sql.Literal(name)) for name in keys)
    query = sql.SQL(
        "WITH a AS (SELECT jsonb_build_object({key}) AS k, r FROM control.rows_at(%(product)s, %(before)s) r), "
        "b AS (SELECT jsonb_build_object({key}) AS k, r FROM control.rows_at(%(product)s, %(after)s) r) "
        "SELECT coalesce(a.k, b.k), "
        "CASE WHEN a.k IS NULL THEN 'added' WHEN b.k IS NULL THEN 'removed' ELSE 'changed' END "
        "FROM a FULL JOIN b ON a.k = b.k WHERE a.r IS DISTINCT FROM b.r ORDER BY 1"
    ).format(key=key)
    groups: dict[str, list[dict[str, Any]]] = {"added": [], "removed": [], "changed": []}
    for found, kind in connection.execute(query, {"product": product, "before": before, "after": after}):
        groups[kind].append(found)
    return ProductDiff(product, groups["added"], groups["removed"], groups["changed"])


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (
        psycopg.errors.RaiseException,
        psycopg.errors.CheckViolation,
        psycopg.errors.NotNullViolation,
    ) as error:
        hint = f"; {error.diag.message_hint}" if error.diag.message_hint else ""
        raise ReleaseError(f"{error.diag.message_primary}{hint}") from error
