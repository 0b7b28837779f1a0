"""The load ledger: what was taken in from each stream and how far its cursor is.

`open_load` runs on a connection in autocommit, so that a load which dies can be found; `commit_load` runs in the
transaction that writes the rows (I3, I4). Whoever works on a load holds its stream's lock: see `close_dead_loads`.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg.types.json import Jsonb

from warehouse.errors import LedgerError, StreamBusy
from warehouse.holds import allowed_rows, hold, least_good_rows, released_hold, use_hold

__all__ = [
    "StreamEntry",
    "add_notes",
    "allowed_rows",
    "begin_afresh",
    "claim_system",
    "close_dead_loads",
    "commit_load",
    "cursor",
    "fail_load",
    "hold",
    "host_boot",
    "least_good_rows",
    "load_state",
    "note_restore",
    "open_load",
    "release_system",
    "released_hold",
    "stream_lock",
    "sync_streams",
    "use_hold",
]


@dataclass(frozen=True)
class StreamEntry:
    """What the ledger knows of a stream's contract; `load_kind` is changes, snapshot or messages."""

    system: str
    stream: str
    contract_version: str
    landing_schema: str
    landing_table: str
    load_kind: str
    owner: str | None = None
    enabled: bool = True
    cadence_seconds: int | None = None
    freshness_seconds: int | None = None
    retention_days: int | None = None
    expires: str | None = None
    quiet_seconds: int | None = None
    stands_while: list[dict[str, Any]] = field(default_factory=list)
    refers: dict[str, str] = field(default_factory=dict)


def host_boot() -> str:
    """The id of this machine's present boot. Containers on one machine share it but not their process ids, so it and
    a pid show a person where to look and decide nothing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"host-{os.uname().nodename}"


def sync_streams(connection: psycopg.Connection, streams: Iterable[StreamEntry], *, keep: Collection[str] = ()) -> None:
    """Note the streams of all contracts; one that has no contract any more is disabled, not forgotten.

    Systems of `keep` stay as they are: their contract is there, but cannot be read.
    """
    rows = [
        asdict(stream) | {"stands_while": Jsonb(stream.stands_while), "refers": Jsonb(stream.refers)}
        for stream in streams
    ]
    with connection.cursor() as writer:
        writer.executemany(
            "INSERT INTO control.stream (system, stream, contract_version, landing_schema, landing_table, "
            "load_kind, owner, enabled, cadence_seconds, freshness_seconds, retention_days, expires, stands_while, "
            "quiet_seconds, refers) VALUES "
            "(%(system)s, %(stream)s, %(contract_version)s, %(landing_schema)s, %(landing_table)s, %(load_kind)s, "
            "%(owner)s, %(enabled)s, %(cadence_seconds)s, %(freshness_seconds)s, %(retention_days)s, %(expires)s, "
            "%(stands_while)s, %(quiet_seconds)s, %(refers)s) "
            "ON CONFLICT (system, stream) DO UPDATE SET "
            "(contract_version, landing_schema, landing_table, load_kind, owner, enabled, cadence_seconds, "
            "freshness_seconds, retention_days, expires, stands_while, quiet_seconds, refers, synced_at) = "
            "(excluded.contract_version, excluded.landing_schema, excluded.landing_table, excluded.load_kind, "
            "excluded.owner, excluded.enabled, excluded.cadence_seconds, excluded.freshness_seconds, "
            "excluded.retention_days, excluded.expires, excluded.stands_while, excluded.quiet_seconds, "
            "excluded.refers, now())",
            rows,
        )
        writer.execute(
            "UPDATE control.stream SET enabled = false, synced_at = now() "
            "WHERE enabled AND (system, stream) NOT IN (SELECT * FROM unnest(%s::text[], %s::text[])) "
            "AND system <> ALL (%s)",
            [[row["system"] for row in rows], [row["stream"] for row in rows], list(keep)],
        )


@contextmanager
def stream_lock(connection: psycopg.Connection, system: str, stream: str) -> Iterator[None]:
    """Hold a stream on this connection (in autocommit); raises StreamBusy when another connection has it.

    The lock ends with the connection, so a killed process never leaves it behind.
    """
    key = f"townhub.stream.{system}.{stream}"
    row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key]).fetchone()
    if row is None or not row[0]:
        raise StreamBusy(f"another run loads {system}.{stream} now; wait for it or see `townhub status`")
    try:
        yield
    finally:
        if not connection.closed and not connection.broken:
            connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def claim_system(connection: psycopg.Connection, system: str) -> bool:
    """Have a system to this connection (in autocommit) until `release_system` or its end; False while another has it.

    Between runs that pull side by side: no upstream is asked by two of them at once.
    """
    row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [_system_key(system)]).fetchone()
    return bool(row and row[0])


def release_system(connection: psycopg.Connection, system: str) -> None:
    """Let another connection have the system."""
    connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [_system_key(system)])


def _system_key(system: str) -> str:
    return f"townhub.system.{system}"


def open_load(
    connection: psycopg.Connection,
    *,
    system: str,
    stream: str,
    contract_version: str,
    run_id: str | None = None,
    kind: Literal["pull", "replay"] = "pull",
) -> int:
    """Enter that a load begins, with this process as its worker; returns its id.

    The connection is in autocommit: the entry must outlive the load's own transaction.
    """
    row = connection.execute(
        "INSERT INTO control.load (load_key, system, stream, contract_version, run_id, kind, cursor_before, "
        "pid, host_boot) VALUES (%(key)s, %(system)s, %(stream)s, %(version)s, %(run)s, %(kind)s, "
        "(SELECT value FROM control.cursor WHERE system = %(system)s AND stream = %(stream)s), %(pid)s, %(boot)s) "
        "RETURNING load_id",
        {
            "key": str(uuid.uuid4()),
            "system": system,
            "stream": stream,
            "version": contract_version,
            "run": run_id,
            "kind": kind,
            "pid": os.getpid(),
            "boot": host_boot(),
        },
    ).fetchone()
    assert row is not None
    return int(row[0])


def commit_load(
    connection: psycopg.Connection,
    load_id: int,
    *,
    rows_in: int,
    landed: int,
    unchanged: int,
    quarantined: int,
    tombstoned: int,
    bytes_in: int,
    cursor: dict[str, Any] | None,
    seconds: dict[str, float],
    defects: Iterable[tuple[str, str, str, int]] = (),
    source_time: datetime | None = None,
    notes: dict[str, Any] | None = None,
) -> None:
    """Enter a load's result, move the cursor and count its defects, beside the rows in the caller's transaction.

    `source_time` is when the source last spoke, where that is not now. `cursor` None leaves the cursor where it is.
    `defects` are (column, reason, outcome, rows); `notes` what a person should know besides. Does not commit.
    Raises LedgerError when the load is not running any more, or its rows do not balance.
    """
    if rows_in != landed + unchanged + quarantined:
        raise LedgerError(
            f"load {load_id} does not balance: {rows_in} rows in, but {landed} landed, {unchanged} unchanged, "
            f"{quarantined} quarantined; this is a defect of the intake, please report it"
        )
    row = connection.execute(
        "UPDATE control.load SET state = 'committed', finished_at = clock_timestamp(), rows_in = %s, "
        "rows_landed = %s, rows_unchanged = %s, rows_quarantined = %s, rows_tombstoned = %s, bytes_in = %s, "
        "cursor_after = %s, seconds = %s, source_time = %s, notes = %s WHERE load_id = %s AND state = 'running' "
        "RETURNING system, stream",
        [
            *(rows_in, landed, unchanged, quarantined, tombstoned, bytes_in),
            *(
                None if cursor is None else Jsonb(cursor),
                Jsonb(seconds),
                source_time,
                Jsonb(notes) if notes else None,
                load_id,
            ),
        ],
    ).fetchone()
    if row is None:
        raise LedgerError(f"load {load_id} is not running any more, it was given up as dead; run the stream again")
    system, stream = row
    if cursor is not None:
        connection.execute(
            "INSERT INTO control.cursor (system, stream, value, load_id) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT (system, stream) DO UPDATE "
            "SET value = excluded.value, load_id = excluded.load_id, updated_at = now()",
            [system, stream, Jsonb(cursor), load_id],
        )
    with connection.cursor() as writer:
        writer.executemany(
            "INSERT INTO control.defect (load_id, system, stream, column_name, reason, outcome, rows) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (load_id, column_name, reason, outcome) "
            "DO UPDATE SET rows = control.defect.rows + excluded.rows",
            [(load_id, system, stream, *defect) for defect in defects],
        )


def fail_load(
    connection: psycopg.Connection,
    load_id: int,
    error: str,
    *,
    state: str = "failed",
    notes: dict[str, Any] | None = None,
) -> bool:
    """End a running load as `failed` or `held`, once its rows are rolled back. `error` holds no personal data.

    False when the load had ended already, and stays as it ended.
    """
    found = connection.execute(
        "UPDATE control.load SET state = %s, finished_at = clock_timestamp(), error = %s, notes = %s "
        "WHERE load_id = %s AND state = 'running'",
        [state, error.replace("\0", "")[:4000], Jsonb(notes) if notes else None, load_id],
    ).rowcount
    return bool(found)


def add_notes(connection: psycopg.Connection, load_id: int, notes: dict[str, Any]) -> None:
    """Note what became known of a load after its end. No personal data."""
    connection.execute(
        "UPDATE control.load SET notes = coalesce(notes, '{}') || %s WHERE load_id = %s", [Jsonb(notes), load_id]
    )


def cursor(connection: psycopg.Connection, system: str, stream: str) -> dict[str, Any] | None:
    """The committed cursor of a stream, None before its first load."""
    row = connection.execute(
        "SELECT value FROM control.cursor WHERE system = %s AND stream = %s", [system, stream]
    ).fetchone()
    return None if row is None else dict(row[0])


def begin_afresh(connection: psycopg.Connection, system: str, stream: str) -> bool:
    """Let the next pull ask for everything and close what is current; False when nothing was ever landed.

    On a connection in autocommit. Raises StreamBusy while a load is under way: its cursor would undo this.
    """
    with stream_lock(connection, system, stream):
        found = connection.execute(
            """UPDATE control.cursor
                  SET value = (SELECT coalesce(jsonb_object_agg(name, part), '{}')
                                 FROM jsonb_each(value) AS of_restore (name, part) WHERE name IN ('restored', 'gap'))
                           || '{"afresh": true, "rekey": true}'
                WHERE (system, stream) = (%s, %s)""",
            [system, stream],
        ).rowcount
    return bool(found)


def note_restore(connection: psycopg.Connection) -> None:
    """Let the next pull of every stream know that this warehouse came from a backup, and what time it knows nothing of.

    `{"restored": {"from", "to"}}` joins each cursor: from the newest load that the backup knows, or from where that of
    an earlier restore begins, until now. A source that was told in between that rows are taken does not offer them.
    """
    connection.execute(
        """WITH restored AS (
             SELECT jsonb_build_object('restored', jsonb_build_object('from',
                      coalesce((SELECT max(coalesce(finished_at, started_at)) FROM control.load),
                               (SELECT min(synced_at) FROM control.stream)), 'to', now())) AS value)
           INSERT INTO control.cursor AS c (system, stream, value)
           SELECT s.system, s.stream, r.value FROM control.stream AS s CROSS JOIN restored AS r
               ON CONFLICT (system, stream) DO UPDATE SET value = jsonb_set(
                      c.value || excluded.value, '{restored,from}',
                      coalesce(c.value #> '{restored,from}', c.value #> '{gap,from}',
                               excluded.value #> '{restored,from}'))"""
    )


def load_state(connection: psycopg.Connection, load_id: int) -> str | None:
    """The state of a load: how a COMMIT ended whose answer was lost. None when there is no such load."""
    row = connection.execute("SELECT state FROM control.load WHERE load_id = %s", [load_id]).fetchone()
    return None if row is None else str(row[0])


def close_dead_loads(connection: psycopg.Connection) -> list[int]:
    """End every running load whose worker is gone; returns their ids.

    A worker holds its stream's lock from before it opens a load until it has ended it, and the lock goes with its
    connection: a load whose stream is free is dead. Process ids cannot tell: containers on one machine have the same
    ones for different processes, and a container that was started again uses them anew.
    """
    running = connection.execute(
        "SELECT load_id, system, stream FROM control.load WHERE state = 'running' ORDER BY load_id"
    ).fetchall()
    return [int(load_id) for load_id, system, stream in running if _closed(connection, load_id, system, stream)]


def _closed(connection: psycopg.Connection, load_id: int, system: str, stream: str) -> bool:
    """End the load if nobody has its stream. Under the lock: no worker can come or finish in between."""
    try:
        with stream_lock(connection, system, stream):
            return fail_load(connection, load_id, "the process of this load died; the next run takes its work up again")
    except StreamBusy:
        return False
