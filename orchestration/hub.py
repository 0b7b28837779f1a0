"""Bringing the hub up for a command: server, migrations, landing tables, required checks, Dagster's instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestration import environment, manifest, names, output, recovery, storage

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from connectors.contract import Contract


def prepare() -> Mapping[str, Contract]:
    """Make the warehouse what the contracts need; doing it again changes nothing. Returns the contracts.

    A system whose contract has a mistake is left out, and said. Raises WarehouseError, ServerError or ManifestError
    with the remedy.
    """
    from connectors.contract_folder import broken_contracts, load_contracts
    from connectors.tables import ensure_tables
    from quality import crosswalk, gate
    from warehouse import connection, migrate

    contracts, broken = load_contracts(), broken_contracts()
    for each in broken:
        output.say(f"{each.system} is not taken in, because its contract is refused:\n{each}")
    migrate.upgrade()
    connection.ensure_database("dagster")
    environment.apply()
    with connection.connect("loader") as conn:
        ensure_tables(conn, contracts, [each.system for each in broken])
    with connection.connect("owner") as conn:
        gate.register(conn)
        crosswalk.register(conn, contracts.values())
    manifest.ensure_manifest()
    return contracts


@contextmanager
def instance() -> Iterator[DagsterInstance]:
    """Dagster's instance of this hub, with all its pools, and with what dead processes left open closed first."""
    from connectors.contract_folder import load_contracts
    from orchestration import passes
    from quality.families import FAMILIES

    with passes.open_instance() as opened:
        storage.have_pools(opened, [*map(names.intake_pool, load_contracts()), *map(names.release_pool, FAMILIES)])
        recovery.recover(opened)
        yield opened
