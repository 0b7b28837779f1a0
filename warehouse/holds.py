"""Loads that were held because they would delete or lose too much, until a named person lets one through."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from warehouse.audit import append
from warehouse.errors import LedgerError


def hold(
    connection: psycopg.Connection, load_id: int, system: str, stream: str, kind: str, detail: dict[str, Any]
) -> int:
    """Note that a load is held (`mass_delete` or `volume_collapse`); returns the hold's id.

    A hold of this stream and kind that waits already is renewed: one person, one decision.
    """
    found = connection.execute(
        "UPDATE control.hold SET load_id = %s, detail = %s WHERE hold_id = (SELECT hold_id FROM control.hold "
        "WHERE system = %s AND stream = %s AND kind = %s AND released_at IS NULL ORDER BY hold_id LIMIT 1) "
        "RETURNING hold_id",
        [load_id, Jsonb(detail), system, stream, kind],
    ).fetchone()
    if found is None:
        found = connection.execute(
            "INSERT INTO control.hold (load_id, system, stream, kind, detail) VALUES (%s, %s, %s, %s, %s) "
            "RETURNING hold_id",
            [load_id, system, stream, kind, Jsonb(detail)],
        ).fetchone()
    assert found is not None
    return int(found[0])


def released_hold(
    connection: psycopg.Connection, system: str, stream: str, kind: str, *, cadence_seconds: int = 0
) -> int | None:
    """The hold of this stream and kind that a person released not long ago and no load has used.

    A release that no load took up in a day, or in one and a half times the stream's cadence, was about another state
    of the source.
    """
    row = connection.execute(
        "SELECT hold_id FROM control.hold WHERE system = %s AND stream = %s AND kind = %s "
        "AND released_at > now() - greatest(interval '1 day', make_interval(secs => %s)) AND used_by_load IS NULL "
        "ORDER BY hold_id DESC LIMIT 1",
        [system, stream, kind, 1.5 * cadence_seconds],
    ).fetchone()
    return None if row is None else int(row[0])


def allowed_rows(connection: psycopg.Connection, hold_id: int) -> int:
    """How many deletions a released hold allows: those it was about, and a little that moved since."""
    row = connection.execute(
        "SELECT (coalesce((detail ->> 'absent')::numeric, 0) * 1.1 + 5)::bigint FROM control.hold WHERE hold_id = %s",
        [hold_id],
    ).fetchone()
    return int(row[0]) if row else 0


def least_good_rows(connection: psycopg.Connection, hold_id: int) -> int:
    """How few good rows a released hold of a collapse allows: those it was about, less a little that broke since."""
    row = connection.execute(
        "SELECT greatest((coalesce((detail ->> 'good')::numeric, 0) * 0.9 - 5)::bigint, 0) FROM control.hold"
        " WHERE hold_id = %s",
        [hold_id],
    ).fetchone()
    return int(row[0]) if row else 0


def use_hold(connection: psycopg.Connection, hold_id: int, load_id: int) -> None:
    """Use a released hold for one load, in the load's own transaction: it lets no second one through."""
    row = connection.execute(
        "UPDATE control.hold SET used_by_load = %s "
        "WHERE hold_id = %s AND released_at IS NOT NULL AND used_by_load IS NULL RETURNING hold_id",
        [load_id, hold_id],
    ).fetchone()
    if row is None:
        raise LedgerError(f"hold {hold_id} is not released or was used already; see `townhub holds list`")


def list_holds(connection: psycopg.Connection, *, settled: bool = False) -> list[dict[str, Any]]:
    """The holds that wait for a person, oldest first; with `settled` the others too."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "SELECT * FROM control.hold WHERE %s OR released_at IS NULL ORDER BY hold_id", [settled]
        ).fetchall()


def release_hold(connection: psycopg.Connection, hold_id: int, by: str, reason: str) -> None:
    """Let one load of this stream and kind through; audited.

    Raises LedgerError without a name and a reason, or when the hold does not wait.
    """
    if not by.strip() or not reason.strip():
        raise LedgerError("releasing a hold needs your name and a reason; both are audited")
    row = connection.execute(
        "UPDATE control.hold SET released_by = %s, released_at = clock_timestamp(), release_reason = %s "
        "WHERE hold_id = %s AND released_at IS NULL RETURNING system, stream, kind",
        [by, reason, hold_id],
    ).fetchone()
    if row is None:
        raise LedgerError(f"no hold {hold_id} waits for a person; see `townhub holds list`")
    detail = {"hold_id": hold_id, "system": row[0], "stream": row[1], "kind": row[2], "reason": reason}
    append(connection, by, "hold.release", detail)
