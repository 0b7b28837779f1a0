"""Bring the warehouse's database to the newest revision."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import psycopg

from warehouse import grants
from warehouse.access import apply_grants, ensure_roles, hand_back_functions, prepare_database
from warehouse.connection import connect, ensure_database, url
from warehouse.errors import WarehouseError

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
MINIMUM_VERSION = 150000


def upgrade() -> str:
    """Create the warehouse if need be and migrate it; returns the revision. Doing it again changes nothing.

    Several processes may call it at once: one works, the others wait. Everything is one transaction, so a
    process that dies halfway leaves the database as it was. Raises WarehouseError with the remedy.
    """
    ensure_database()
    fingerprint = _fingerprint()
    with connect(autocommit=True, application_name="townhub migrate") as connection:
        if connection.info.server_version < MINIMUM_VERSION:
            raise WarehouseError(
                f"PostgreSQL {connection.info.server_version // 10000} is too old: TownHub needs 15 or later"
            )
        connection.execute("SELECT pg_advisory_lock(hashtextextended('townhub.migrate', 0))")
        done = _state(connection)
        if done is not None and done[1] == fingerprint:
            return done[0]
        ensure_roles()
        prepare_database(connection)
        revision = _run()
        log.info("warehouse migrated to revision %s", revision)
        return revision


def revisions() -> set[str]:
    """The revisions that this code knows."""
    return {path.name[1:5] for path in (MIGRATIONS / "versions").glob("r????_*.py")}


def _state(connection: psycopg.Connection) -> tuple[str, str] | None:
    """Revision and fingerprint of the last upgrade, None before the first."""
    row = connection.execute("SELECT to_regclass('control.migrated') IS NOT NULL").fetchone()
    if row is None or not row[0]:
        return None
    found = connection.execute("SELECT revision, fingerprint FROM control.migrated").fetchone()
    return None if found is None else (str(found[0]), str(found[1]))


def _fingerprint() -> str:
    """A hash of everything that an upgrade applies: when it is the database's, there is nothing to do."""
    digest = hashlib.sha256(Path(grants.__file__).read_bytes())
    for path in sorted(MIGRATIONS.rglob("*")):
        if path.suffix in {".sql", ".py"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _run() -> str:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    revision = ScriptDirectory.from_config(configuration).get_current_head() or ""
    engine = create_engine(url(driver="psycopg"), poolclass=NullPool)
    with engine.begin() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        hand_back_functions(driver)
        connection.execute(text(f"SET LOCAL ROLE {grants.OWNER}"))
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS control"))
        connection.execute(
            text(
                "CREATE TABLE IF NOT EXISTS control.migrated "
                "(only_row boolean PRIMARY KEY, revision text, fingerprint text)"
            )
        )
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")
        connection.execute(text("RESET ROLE"))
        try:
            apply_grants(driver)
        except (psycopg.errors.UndefinedFunction, psycopg.errors.UndefinedTable) as error:
            raise WarehouseError(
                f"the database {driver.info.dbname!r} says revision {revision} but lacks parts of it "
                f"({error.diag.message_primary}): it was made by another version of this code; begin with a new "
                "database (drop it, or `townhub down --purge`) or restore a backup made by this version"
            ) from error
        driver.execute(
            "INSERT INTO control.migrated VALUES (true, %s, %s) ON CONFLICT (only_row) "
            "DO UPDATE SET revision = excluded.revision, fingerprint = excluded.fingerprint",
            [revision, _fingerprint()],
        )
    engine.dispose()
    return revision
