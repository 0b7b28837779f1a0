"""What arrives between the scheduled pulls: messages in the inbox and new files in a drop folder."""

# No `from __future__ import annotations` here: Dagster reads the annotation of `context` at run time.
import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from connectors.contract import Contract, Stream
from orchestration import environment, names
from orchestration.failures import safe_message

if TYPE_CHECKING:
    from connectors.protocols.sftp_drop import Entry

PUSHED = ("webhook", "mqtt")
"""Protocols whose messages wait in inbox.message."""
DROPPED = "sftp"
LISTING_SECONDS = 300


def arrivals(contracts: Mapping[str, Contract]) -> list[dg.SensorDefinition]:
    """The sensors for systems that push messages or drop files."""
    enabled = [contract for contract in contracts.values() if contract.enabled]
    pushing = [c for c in enabled if any(server.protocol in PUSHED for server in c.servers.values())]
    dropping = [c for c in enabled if any(server.protocol == DROPPED for server in c.servers.values())]
    return [*(_inbox(contract) for contract in pushing), *(_files(contract) for contract in dropping)]


def _inbox(contract: Contract) -> dg.SensorDefinition:
    streams = [stream for stream in contract.streams.values() if contract.server_of(stream).protocol in PUSHED]

    @dg.sensor(
        name=f"inbox_{contract.id}",
        job_name=names.INTAKE,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Messages of {contract.name} wait in the inbox.",
    )
    def waiting(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        try:
            waits = waiting_messages(contract.id, [stream.name for stream in streams])
        except Exception as error:
            return dg.SkipReason(safe_message(error))
        newest = max(waits.values(), default=0)
        if newest <= int(context.cursor or 0):  # asked for already: a pull that failed comes again by its schedule
            return dg.SkipReason("no new message")
        request = dg.RunRequest(
            run_key=f"inbox-{contract.id}-{newest}",
            asset_selection=[dg.AssetKey(names.landing(stream)) for stream in streams if stream.name in waits],
        )
        return dg.SensorResult(run_requests=[request], cursor=str(newest))

    return waiting


def _files(contract: Contract) -> dg.SensorDefinition:
    streams = [s for s in contract.streams.values() if contract.server_of(s).protocol == DROPPED]

    @dg.sensor(
        name=f"files_{contract.id}",
        job_name=names.INTAKE,
        minimum_interval_seconds=LISTING_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"New or changed files lie in the drop directory of {contract.name}.",
    )
    def dropped(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        try:
            listed = {stream.name: list_files(contract, stream) for stream in streams}
            now = {name: _digest(entries) for name, entries in listed.items()}
            before = json.loads(context.cursor or "{}")
            changed = [
                stream for stream in streams if listed[stream.name] and now[stream.name] != before.get(stream.name)
            ]
            unread = [stream for stream in changed if has_unread(stream, listed[stream.name])]
        except Exception as error:
            return dg.SkipReason(safe_message(error))
        if not unread:
            return dg.SensorResult(skip_reason=dg.SkipReason("no new file"), cursor=json.dumps(now))
        request = dg.RunRequest(asset_selection=[dg.AssetKey(names.landing(stream)) for stream in unread])
        return dg.SensorResult(run_requests=[request], cursor=json.dumps(now))

    return dropped


def list_files(contract: Contract, stream: Stream) -> "list[Entry]":
    """The finished files of a stream's drop directory, by name."""
    from connectors.protocols.async_thread import AsyncThread
    from connectors.protocols.sftp_drop import Drop
    from connectors.variables import resolve_server

    environment.load_simulated()
    with AsyncThread("files") as thread:
        drop = Drop(resolve_server(contract.server_of(stream)), thread)
        try:
            return drop.entries(stream.physical_name)
        finally:
            drop.close()


def _digest(entries: "list[Entry]") -> str:
    seen = [(entry.name, entry.size, entry.mtime) for entry in entries]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


def has_unread(stream: Stream, entries: "list[Entry]") -> bool:
    """Whether a pull would read any of these files: those that a scheduled one took meanwhile ask for no run."""
    from connectors.protocols import sftp
    from warehouse import connection, ledger

    environment.quiet()
    with connection.connect("loader") as conn:
        cursor = ledger.cursor(conn, stream.system, stream.name) or {}
    return sftp.unread(stream, entries, cursor.get("state") or {})


def waiting_messages(system: str, streams: list[str]) -> dict[str, int]:
    """Stream → its newest message, for the streams with messages that no committed load has taken.

    What a scheduled pull took meanwhile does not count: else every pull of a broker, whose messages pass through the
    inbox, would ask for another run.
    """
    from warehouse import connection

    environment.quiet()
    with connection.connect("loader") as conn:
        rows = conn.execute(
            """SELECT wanted.stream, newest.message_id
                 FROM unnest(%(streams)s::text[]) AS wanted (stream)
                 LEFT JOIN control.cursor AS taken ON (taken.system, taken.stream) = (%(system)s, wanted.stream)
                CROSS JOIN LATERAL (SELECT max(message_id) AS message_id FROM inbox.message
                                     WHERE (system, stream) = (%(system)s, wanted.stream)) AS newest
                WHERE newest.message_id > coalesce((taken.value #>> '{state,message_id}')::bigint, 0)""",
            {"system": system, "streams": streams},
        ).fetchall()
    return {str(stream): int(message_id) for stream, message_id in rows}


def inputs_turned() -> bool:
    """Whether an input is in another state than when the newest candidates were judged: aged, failed, or well again.

    Then what rests on it must become unknown, or known again, though nothing was landed (I6).
    """
    from warehouse import connection

    with connection.connect("builder") as conn:
        row = conn.execute(
            """SELECT EXISTS (
                 SELECT FROM (SELECT DISTINCT ON (family) observed -> 'states' AS states FROM control.verdict
                               WHERE check_name = 'guard.inputs' ORDER BY family, verdict_id DESC) AS judged,
                        jsonb_each_text(judged.states) AS was
                   JOIN control.input_status AS now ON now.system || '.' || now.stream = was.key
                  WHERE now.state <> was.value)"""
        ).fetchone()
    return bool(row and row[0])


def landed_something(run_id: str) -> bool:
    """Whether the loads of a run changed any current version."""
    from warehouse import connection

    with connection.connect("loader") as conn:
        row = conn.execute(
            "SELECT coalesce(sum(rows_landed + rows_tombstoned), 0) > 0 FROM control.load WHERE run_id = %s", [run_id]
        ).fetchone()
    return bool(row and row[0])
