"""What arrives between the scheduled pulls: messages in the inbox and new files in a drop folder."""

# No `from __future__ import annotations` here: Dagster reads the annotation of `context` at run time.
from collections.abc import Mapping

import dagster as dg

from connectors.contract import Contract
from orchestration import environment, names
from orchestration.failures import safe_message

PUSHED = ("webhook", "mqtt")
"""Protocols whose messages wait in inbox.message."""


def arrivals(contracts: Mapping[str, Contract]) -> list[dg.SensorDefinition]:
    """The sensors for systems that push messages or drop files."""
    enabled = [contract for contract in contracts.values() if contract.enabled]
    pushing = [c for c in enabled if any(server.protocol in PUSHED for server in c.servers.values())]
    return [_inbox(contract) for contract in pushing]


def _inbox(contract: Contract) -> dg.SensorDefinition:
    keys = [
        dg.AssetKey(names.landing(stream))
        for stream in contract.streams.values()
        if contract.server_of(stream).protocol in PUSHED
    ]

    @dg.sensor(
        name=f"inbox_{contract.id}",
        job_name=names.INTAKE,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Messages of {contract.name} wait in the inbox.",
    )
    def waiting(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        try:
            newest = newest_message(contract.id)
        except Exception as error:
            return dg.SkipReason(safe_message(error))
        if newest is None or newest <= int(context.cursor or 0):
            return dg.SkipReason("no new message")
        request = dg.RunRequest(run_key=f"inbox-{contract.id}-{newest}", asset_selection=keys)
        return dg.SensorResult(run_requests=[request], cursor=str(newest))

    return waiting


def newest_message(system: str) -> int | None:
    """The highest message id of a system's inbox, None when it is empty."""
    from warehouse import connection

    environment.quiet()
    with connection.connect("loader") as conn:
        row = conn.execute("SELECT max(message_id) FROM inbox.message WHERE system = %s", [system]).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def landed_something(run_id: str) -> bool:
    """Whether the loads of a run changed any current version."""
    from warehouse import connection

    with connection.connect("loader") as conn:
        row = conn.execute(
            "SELECT coalesce(sum(rows_landed + rows_tombstoned), 0) > 0 FROM control.load WHERE run_id = %s", [run_id]
        ).fetchone()
    return bool(row and row[0])
