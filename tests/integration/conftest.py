"""A warehouse for the tests of what judges."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from connectors.tables import ensure_tables
from quality import gate
from quality.families import FAMILIES
from tests.integration.gate_cases import CANDIDATES, CONTRACTS, CORE, DAY, land, stream_of
from tests.integration.release_cases import prepare
from warehouse import access
from warehouse.connection import connect


@pytest.fixture(scope="module")
def gate_database(server_url: str, template: str) -> Iterator[str]:
    """One migrated warehouse for this module: GX takes a second to meet a new database."""
    name = f"townhub_gate_{secrets.token_hex(4)}"
    target = urlunsplit(urlsplit(server_url)._replace(path="/" + name))
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
    with psycopg.connect(target) as owner:
        access.prepare_database(owner)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOWNHUB_DATABASE_URL", target)
        patch.setenv("TOWNHUB_AS_OF", DAY.isoformat())
        with connect("loader") as loader:
            ensure_tables(loader, CONTRACTS)
            for system, stream in {given for family in FAMILIES.values() for given in family.inputs}:
                land(loader, stream_of(system, stream))
        with connect("builder") as builder:
            builder.execute(CORE)
        with connect("owner") as owner:
            gate.register(owner)
        yield target
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def builder(fresh_database: str) -> Iterator[psycopg.Connection]:
    """A candidate of every product of the family safety is there, and nobody has judged it."""
    with prepare() as connection:
        yield connection


@pytest.fixture
def candidates(gate_database: str) -> Iterator[psycopg.Connection]:
    """A committing connection as builder over sound candidate tables."""
    with connect("builder", autocommit=True) as connection:
        connection.execute(CANDIDATES)
        yield connection
