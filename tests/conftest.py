"""Fixtures for a real PostgreSQL: a server of its own for the session, a migrated database, a connection.

TOWNHUB_TEST_DATABASE_URL (any database of a server where we may create others) takes the place of the embedded
server. Nothing ever touches the clone's own hub: TOWNHUB_HOME points into a temporary folder from the start.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import psycopg
import pytest
from psycopg import sql
from xdist.scheduler import LoadScopeScheduling

from orchestration import manifest
from warehouse import access, migrate, server
from warehouse.grants import ROLES

# How long an example takes says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile("townhub", deadline=None)
hypothesis.settings.load_profile("townhub")


PARSED = "townhub"
"""The database for which `parsed_project` is parsed: the one of an embedded server."""
FAST = ("tests/unit/", "tests/property/", "tests/conformance/")
HUB = "tests/integration/hub/"
"""One town that lives on from file to file."""


class Together(LoadScopeScheduling):
    """What shares fixtures stays in one process: a file, or the folder of the shared town."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return HUB if file.startswith(HUB) else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After the fast ones the shared town's, which take longest and stay together: begun last, they would be waited for
    by a processor that has nothing left to do."""
    items.sort(key=lambda item: 0 if item.nodeid.startswith(FAST) else 1 if item.nodeid.startswith(HUB) else 2)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Take the place of every `--dist`: xdist's own groups do nothing under pytest 9.2."""
    return Together(config, log)


@contextmanager
def environment(**values: str | None) -> Iterator[None]:
    """Set (or, with None, unset) environment variables for a while."""
    before = {name: os.environ.get(name) for name in values}

    def put(wanted: dict[str, str | None]) -> None:
        for name, value in wanted.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    put(values)
    try:
        yield
    finally:
        put(before)


def _database_url(base: str, name: str) -> str:
    return urlunsplit(urlsplit(base)._replace(path="/" + name))


def _drop(base: str, name: str) -> None:
    with psycopg.connect(_database_url(base, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session", autouse=True)
def hub_home() -> Iterator[Path]:
    """A temporary TOWNHUB_HOME that every user may pass through (pytest's own folders are private to us)."""
    home = Path(tempfile.mkdtemp(prefix="townhub-test-"))
    home.chmod(0o755)
    with environment(TOWNHUB_HOME=str(home), TOWNHUB_DATABASE_URL=None, TOWNHUB_AS_OF=None):
        try:
            yield home
        finally:
            with environment(TOWNHUB_DATABASE_URL=None):
                server.stop(mode="immediate")
            shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def parsed_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What dbt makes of the project for a database called PARSED, made once for all processes of the session.

    A home that begins with a copy of it as its `dbt_target` is spared ten seconds of parsing.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    made = shared / "parsed" / "dbt_target"
    with (shared / "parsed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with environment(TOWNHUB_HOME=str(made.parent), TOWNHUB_DATABASE_URL=None):
            manifest.ensure_manifest()
    return made


@pytest.fixture(scope="session")
def compiled_project(parsed_project: Path) -> Path:
    """The manifest with the SQL of every model, compiled once for all processes, without a database."""
    with environment(TOWNHUB_HOME=str(parsed_project.parent), TOWNHUB_DATABASE_URL=None):
        return manifest.ensure_compiled()


@pytest.fixture(scope="session")
def server_url(hub_home: Path) -> str:
    """A server that belongs to the tests."""
    given = os.environ.get("TOWNHUB_TEST_DATABASE_URL")
    if given:
        return given
    base = server.ensure_started().url + "/postgres"
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # test data need not outlive a power cut
        connection.execute("SELECT pg_reload_conf()")
    return base


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """The name of a migrated database to clone."""
    name = f"townhub_template_{secrets.token_hex(4)}"
    with environment(TOWNHUB_DATABASE_URL=_database_url(server_url, name)):
        migrate.upgrade()
    yield name
    _drop(server_url, name)


def own_database() -> str:
    """A name for a database that no other process of the session has on its server: if it can be, that of
    `parsed_project`."""
    return f"townhub_{os.getpid()}" if os.environ.get("TOWNHUB_TEST_DATABASE_URL") else PARSED


@contextmanager
def clone(server_url: str, template: str, name: str | None = None) -> Iterator[str]:
    """A migrated warehouse that commits, gone at the end; TOWNHUB_DATABASE_URL points at it meanwhile."""
    if name is None:
        name = f"townhub_test_{secrets.token_hex(4)}"
    else:
        _drop(server_url, name)  # a test that spoke to the server as a hub does has left it
    target = _database_url(server_url, name)
    with psycopg.connect(_database_url(server_url, "postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    with psycopg.connect(target) as connection:
        access.prepare_database(connection)
    try:
        with environment(TOWNHUB_DATABASE_URL=target):
            yield target
    finally:
        _drop(server_url, name)


@pytest.fixture(scope="session")
def database(server_url: str, template: str) -> Iterator[str]:
    """The session's migrated warehouse (its URL); TOWNHUB_DATABASE_URL points at it. Tests roll back: see `conn`."""
    with clone(server_url, template) as target:
        yield target


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    """A connection to `database` as the hub's own login; everything is rolled back."""
    with psycopg.connect(database) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def fresh_database(server_url: str, template: str) -> Iterator[str]:
    """A migrated warehouse for one test that commits; TOWNHUB_DATABASE_URL points at it meanwhile."""
    with clone(server_url, template) as target:
        yield target


@pytest.fixture
def external_database(hub_home: Path) -> Iterator[str]:
    """A migrated warehouse on a PostgreSQL that is not ours, or a skip."""
    base = external_server()
    if base is None:
        pytest.skip("no external PostgreSQL: set TOWNHUB_TEST_DATABASE_URL, or run one on 127.0.0.1:5432")
    name = f"townhub_external_{secrets.token_hex(4)}"
    with psycopg.connect(_database_url(base, "postgres")) as connection:
        known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
    target = _database_url(base, name)
    try:
        with environment(TOWNHUB_DATABASE_URL=target):
            migrate.upgrade()
            yield target
    finally:
        _drop(base, name)
        with psycopg.connect(_database_url(base, "postgres"), autocommit=True) as connection:
            for role in set(ROLES) - known:
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def external_server() -> str | None:
    given = os.environ.get("TOWNHUB_TEST_DATABASE_URL")
    if given:
        return given
    for user in ("root", "postgres"):
        base = f"postgresql://{user}@127.0.0.1:5432/postgres"
        try:
            psycopg.connect(base, connect_timeout=3).close()
        except psycopg.OperationalError:
            continue
        return base
    return None
