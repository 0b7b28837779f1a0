"""Fresh warehouses, as many as a test wants."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from warehouse import access


@pytest.fixture(scope="session")
def another_database(server_url: str, template: str) -> Callable[..., AbstractContextManager[str]]:
    """Makes migrated warehouses that commit, or copies of one by its URL that nobody is connected to.

    TOWNHUB_DATABASE_URL points at the newest.
    """

    @contextmanager
    def make(source: str | None = None) -> Iterator[str]:
        origin = urlsplit(source).path.lstrip("/") if source else template
        name = sql.Identifier(f"townhub_fault_{secrets.token_hex(4)}")
        target = urlunsplit(urlsplit(server_url)._replace(path=f"/{name._obj[0]}"))
        before = os.environ.get("TOWNHUB_DATABASE_URL")
        with psycopg.connect(server_url, autocommit=True) as server:
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(origin)))
            try:
                with psycopg.connect(target) as conn:
                    access.prepare_database(conn)
                os.environ["TOWNHUB_DATABASE_URL"] = target
                yield target
            finally:
                os.environ.pop("TOWNHUB_DATABASE_URL")
                if before is not None:
                    os.environ["TOWNHUB_DATABASE_URL"] = before
                server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    return make
