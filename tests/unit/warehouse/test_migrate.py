"""Migrations: again changes nothing, at once waits, halfway leaves nothing."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from warehouse import access, connection, migrate
from warehouse.grants import PRODUCTS, RELEASER, RELEASER_FUNCTIONS


@pytest.fixture
def empty(server_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a database that does not exist yet."""
    name = f"townhub_new_{secrets.token_hex(4)}"
    monkeypatch.setenv("TOWNHUB_DATABASE_URL", urlunsplit(urlsplit(server_url)._replace(path=f"/{name}")))
    yield name
    with psycopg.connect(connection.maintenance_url(), autocommit=True) as opened:
        opened.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _dump(opened: psycopg.Connection) -> list[tuple[object, ...]]:
    return opened.execute(
        "SELECT n.nspname, c.relname, c.relkind, c.relowner::regrole::text, c.relrowsecurity, c.relforcerowsecurity, "
        "c.relacl::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
        "WHERE n.nspname = ANY(ARRAY['control','quarantine','inbox','resolution','released','serving']) ORDER BY 1, 2"
    ).fetchall()


def test_again_changes_nothing(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    revision = migrate.upgrade()
    with connection.connect() as opened:
        before = _dump(opened)
    assert migrate.upgrade() == revision
    monkeypatch.setattr(migrate, "_fingerprint", lambda: "another version of this code")
    assert migrate.upgrade() == revision
    with connection.connect() as opened:
        assert _dump(opened) == before
        assert access.unexpected_privileges(opened) == {"extra": [], "missing": []}
    secured = {str(row[1]): (row[4], row[5]) for row in before if row[0] == "released" and row[2] == "r"}
    products = {product for readable in PRODUCTS.values() for product in readable}
    assert secured == dict.fromkeys(products, (True, True))


def test_no_statement_is_compiled_whatever_the_server_does_out_of_the_box(empty: str) -> None:
    migrate.upgrade()
    with connection.connect("builder") as opened:
        found = opened.execute("SELECT setting, source FROM pg_settings WHERE name = 'jit'").fetchone()
    assert found == ("off", "database")


def test_everything_belongs_to_the_owner(conn: psycopg.Connection) -> None:
    owners = {row[3] for row in _dump(conn)}
    assert owners == {"townhub_owner"}


def test_a_migration_may_replace_the_functions_that_publish(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They belong to the releaser in every warehouse that is there already."""

    def replace(configuration: Any, revision: str) -> None:
        driver = configuration.attributes["connection"].connection.driver_connection
        written = driver.execute(
            "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'control'::regnamespace"
            " AND proname = ANY (%s)",
            [list(RELEASER_FUNCTIONS)],
        ).fetchall()
        assert len(written) >= len(RELEASER_FUNCTIONS)
        for (text,) in written:
            driver.execute(text)

    monkeypatch.setattr("alembic.command.upgrade", replace)
    monkeypatch.setattr(migrate, "_fingerprint", lambda: "a newer version of this code")
    migrate.upgrade()
    with connection.connect() as opened:
        owners = opened.execute(
            "SELECT DISTINCT proowner::regrole::text FROM pg_proc WHERE pronamespace = 'control'::regnamespace"
            " AND proname = ANY (%s)",
            [list(RELEASER_FUNCTIONS)],
        ).fetchall()
        assert owners == [(RELEASER,)]
        assert access.unexpected_privileges(opened) == {"extra": [], "missing": []}


def test_several_at_once(empty: str) -> None:
    code = "from warehouse.migrate import upgrade; print(upgrade())"
    workers = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = {worker.communicate()[0] for worker in workers}
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert len(answers) == 1


def test_a_failure_halfway_leaves_nothing(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(opened: psycopg.Connection) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(migrate, "apply_grants", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        migrate.upgrade()
    with connection.connect() as opened:
        assert opened.execute("SELECT 1 FROM pg_namespace WHERE nspname IN ('control', 'released')").fetchone() is None
    monkeypatch.undo()


@pytest.mark.usefixtures("external_database")
def test_external_server() -> None:
    with connection.connect() as opened:
        assert opened.info.server_version >= migrate.MINIMUM_VERSION
        assert access.unexpected_privileges(opened) == {"extra": [], "missing": []}
    found = access.run_as("safety", "SELECT family FROM serving.release_info")
    assert found.rows == []
