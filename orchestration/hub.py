"""Bringing the hub up for a command: server, migrations, landing tables, required checks, Dagster's instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestration import environment, recovery

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from connectors.contract import Contract


def prepare() -> Mapping[str, Contract]:
    """Make the warehouse what the contracts need; doing it again changes nothing. Returns the contracts.

    Raises WarehouseError, ServerError or ContractError, each with its remedy.
    """
    from connectors.contract import load_contracts
    from connectors.tables import ensure_tables
    from quality import gate
    from warehouse import connection, migrate

    contracts = load_contracts()
    migrate.upgrade()
    connection.ensure_database("dagster")
    environment.apply()
    with connection.connect("loader") as conn:
        ensure_tables(conn, contracts)
    with connection.connect("owner") as conn:
        gate.register(conn)
    return contracts


@contextmanager
def instance() -> Iterator[DagsterInstance]:
    """Dagster's instance of this hub with what dead processes left open closed first."""
    from orchestration import passes

    with passes.open_instance() as opened:
        recovery.recover(opened)
        yield opened
