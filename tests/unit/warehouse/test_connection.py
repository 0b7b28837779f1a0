"""URLs of logical databases, roles of connections, errors with remedies."""

from __future__ import annotations

import psycopg
import pytest

from warehouse import connection, server
from warehouse.errors import WarehouseError, WarehouseUnreachable
from warehouse.settings import ConfigurationError

EXTERNAL = "postgresql://me:p%40ss@db.example:5433/hub?sslmode=require"


@pytest.mark.parametrize(
    ("database", "driver", "expected"),
    [
        ("townhub", None, EXTERNAL),
        (
            "dagster",
            "psycopg2",
            "postgresql+psycopg2://me:p%40ss@db.example:5433/hub_dagster?sslmode=require",
        ),
        (
            "upstream",
            "psycopg",
            "postgresql+psycopg://me:p%40ss@db.example:5433/hub_upstream?sslmode=require",
        ),
        ("other", None, "postgresql://me:p%40ss@db.example:5433/other?sslmode=require"),
    ],
)
def test_external_server_s_databases_stand_beside_the_warehouse(
    monkeypatch: pytest.MonkeyPatch, database: str, driver: connection.Driver | None, expected: str
) -> None:
    monkeypatch.setenv("TOWNHUB_DATABASE_URL", EXTERNAL)
    assert connection.url(database, driver) == expected


def test_postgres_scheme_and_missing_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWNHUB_DATABASE_URL", "postgres://h/db")
    assert connection.url(driver="psycopg2") == "postgresql+psycopg2://h/db"
    monkeypatch.setenv("TOWNHUB_DATABASE_URL", "postgresql://h")
    with pytest.raises(ConfigurationError, match="names no database"):
        connection.url()


def test_embedded_urls_reach_the_server(server_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOWNHUB_DATABASE_URL", raising=False)
    info = server.ensure_started()
    assert connection.url("dagster") == f"{info.url}/dagster"


@pytest.mark.usefixtures("database")
def test_role_and_time_zone_survive_a_rollback() -> None:
    with connection.connect("loader") as opened:
        opened.execute("SELECT 1")
        opened.rollback()
        row = opened.execute("SELECT current_user, current_setting('TimeZone')").fetchone()
    assert row == ("townhub_loader", "Asia/Shanghai")


@pytest.mark.usefixtures("server_url")
def test_unmigrated_and_unreachable_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WarehouseError, match=r"database .* does not exist; .*upgrade") as missing:
        connection.connect(database="nowhere")
    assert not isinstance(missing.value, WarehouseUnreachable), "waiting makes no database"
    monkeypatch.setenv("TOWNHUB_DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/hub")
    with pytest.raises(WarehouseUnreachable, match=r"127.0.0.1:1/hub.*check that the server runs") as refused:
        connection.connect()
    assert "secret" not in str(refused.value)


def test_upstream_login_sees_its_own_database_only(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOWNHUB_DATABASE_URL")
    target = connection.ensure_upstream()
    assert connection.ensure_upstream() == target == connection.upstream_url()
    with psycopg.connect(target) as upstream:
        upstream.execute("CREATE TABLE exchange (id int)")
        upstream.rollback()
    warehouse = connection.with_credentials(database, *target.split("//")[1].split("@")[0].split(":"))
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(warehouse)


@pytest.mark.usefixtures("server_url")
def test_database_in_another_encoding_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOWNHUB_DATABASE_URL", raising=False)
    with psycopg.connect(connection.maintenance_url(), autocommit=True) as opened:
        opened.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C' LOCALE_PROVIDER libc")
        try:
            with pytest.raises(WarehouseError, match="SQL_ASCII; create one with ENCODING 'UTF8'"):
                connection.ensure_database("latin")
        finally:
            opened.execute("DROP DATABASE latin")
