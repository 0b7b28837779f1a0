"""The audit chain: append, read, verify."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb


@dataclass(frozen=True)
class Entry:
    """One entry of the chain; `hash` covers the entry and the hash before it."""

    seq: int
    at: datetime
    actor: str
    db_user: str
    action: str
    detail: dict[str, Any]
    hash: bytes


def append(connection: psycopg.Connection, actor: str, action: str, detail: dict[str, Any] | None = None) -> int:
    """Add an entry in the caller's transaction; returns its number. Other writers wait until it commits.

    `actor` is a person or a role, `detail` holds ids, counts and the words of statements (see
    `warehouse.statements`), never personal data: no entry is ever changed or deleted.
    """
    row = connection.execute("SELECT control.audit_append(%s, %s, %s)", [actor, action, Jsonb(detail or {})]).fetchone()
    assert row is not None
    return int(row[0])


def entries(connection: psycopg.Connection, *, action: str | None = None, limit: int = 100) -> list[Entry]:
    """The newest entries, newest first (needs the owner's role or the hub's own login)."""
    with connection.cursor(row_factory=class_row(Entry)) as cursor:
        return cursor.execute(
            "SELECT seq, at, actor, db_user, action, detail, hash FROM control.audit "
            "WHERE %(action)s::text IS NULL OR action = %(action)s ORDER BY seq DESC LIMIT %(limit)s",
            {"action": action, "limit": limit},
        ).fetchall()


def verify(connection: psycopg.Connection) -> int | None:
    """The number of the first entry that was altered, removed or inserted; None when the chain is whole.

    A tail that was cut off shows only against a head noted elsewhere: see `head`.
    """
    row = connection.execute("SELECT control.audit_verify()").fetchone()
    return None if row is None or row[0] is None else int(row[0])


def head(connection: psycopg.Connection) -> tuple[int, str] | None:
    """Number and hash (hex) of the newest entry, to be noted outside of the database."""
    row = connection.execute("SELECT seq, encode(hash, 'hex') FROM control.audit ORDER BY seq DESC LIMIT 1").fetchone()
    return None if row is None else (int(row[0]), str(row[1]))
