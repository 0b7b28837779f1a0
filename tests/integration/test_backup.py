"""What cannot be backed up or restored is told, with the remedy, and leaves nothing half-done."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.conftest import environment, external_server
from warehouse import access, backup, build_inputs, connection, migrate
from warehouse.grants import ROLES


@contextmanager
def empty(server_url: str) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    name = f"townhub_empty_{secrets.token_hex(4)}"
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name)))
        try:
            yield server_url.rpartition("/")[0] + f"/{name}"
        finally:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def empty_database(server_url: str) -> Iterator[str]:
    with empty(server_url) as target:
        yield target


@pytest.fixture
def dumped(fresh_database: str, tmp_path: Path) -> Path:
    with connection.connect("loader") as loader:
        loader.execute(
            "INSERT INTO control.run (run_key, started_at, state, summary) VALUES ('kept', now(), 'succeeded', '{}')"
        )
    file = tmp_path / "town.dump"
    backup.dump(file)
    return file


def test_a_warehouse_comes_back_with_its_rows_and_its_rights(dumped: Path, empty_database: str) -> None:
    with environment(TOWNHUB_DATABASE_URL=empty_database):
        backup.restore(dumped)
        with connection.connect() as conn:
            assert conn.execute("SELECT run_key FROM control.run").fetchall() == [("kept",)]
            assert access.unexpected_privileges(conn) == {"extra": [], "missing": []}
            assert conn.execute("SELECT current_setting('jit')").fetchone() == ("off",)
            owners = conn.execute(
                "SELECT DISTINCT pg_get_userbyid(proowner) FROM pg_proc WHERE proname = 'publish'"
            ).fetchall()
    assert owners == [("townhub_releaser",)]


@pytest.mark.parametrize("size", [0, 1_000, -1_000])
def test_what_is_no_whole_backup_leaves_the_database_empty(dumped: Path, empty_database: str, size: int) -> None:
    broken = dumped.with_name("broken.dump")
    broken.write_bytes(dumped.read_bytes()[:size])
    with environment(TOWNHUB_DATABASE_URL=empty_database):
        with pytest.raises(backup.BackupError):
            backup.restore(broken)
        with connection.connect() as conn:
            assert conn.execute("SELECT to_regnamespace('control')").fetchone() == (None,)
        backup.restore(dumped)


def test_a_build_under_way_is_waited_for(fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_inputs, "PATIENCE", "100ms")
    with connection.connect("builder", autocommit=True) as build:
        build_inputs.have_warehouse(build)
        with pytest.raises(build_inputs.BuildBusy):
            backup.dump(tmp_path / "town.dump")
    backup.dump(tmp_path / "town.dump")


def test_programs_that_are_missing_are_named(
    fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = backup.find_binaries(None)
    for tool in ("initdb", "pg_ctl", "postgres"):
        (tmp_path / tool).symlink_to(found.folder / tool)
    monkeypatch.setenv("TOWNHUB_PG_BIN", str(tmp_path))
    with pytest.raises(backup.BackupError, match=r"has no pg_dump.*TOWNHUB_PG_BIN"):
        backup.dump(tmp_path / "town.dump")


def test_a_backup_of_newer_code_is_refused_before_anything_is_written(
    dumped: Path, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "revisions", lambda: {"0001"})
    with environment(TOWNHUB_DATABASE_URL=empty_database):
        with pytest.raises(backup.BackupError, match=r"newer code .* upgrade TownHub"):
            backup.restore(dumped)
        with connection.connect() as conn:
            assert conn.execute("SELECT to_regnamespace('control')").fetchone() == (None,)


def test_a_login_that_sees_not_all_rows_is_told_what_it_lacks(fresh_database: str, tmp_path: Path) -> None:
    name = f"townhub_plain_{secrets.token_hex(4)}"
    plain = connection.with_credentials(fresh_database, name, "secret")
    roles = sql.SQL(", ").join(map(sql.Identifier, ROLES))
    with connection.connect(autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(sql.Identifier(name)))
        try:
            conn.execute(sql.SQL("GRANT {} TO {}").format(roles, sql.Identifier(name)))
            with (
                environment(TOWNHUB_DATABASE_URL=plain),
                pytest.raises(backup.BackupError, match=f"ALTER ROLE {name} BYPASSRLS"),
            ):
                backup.dump(tmp_path / "town.dump")
            conn.execute(sql.SQL("ALTER ROLE {} BYPASSRLS").format(sql.Identifier(name)))
            with environment(TOWNHUB_DATABASE_URL=plain):
                backup.dump(tmp_path / "town.dump")
        finally:
            conn.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_rows_of_isolated_streams_are_asked_for_anew(fresh_database: str, tmp_path: Path, empty_database: str) -> None:
    with connection.connect("loader") as loader:
        loader.execute(
            "INSERT INTO control.stream (system, stream, contract_version, load_kind, landing_schema, landing_table)"
            " SELECT name, 's', '1.0.0', 'changes', place, name"
            " FROM (VALUES ('a', 'isolated'), ('b', 'landing')) AS t (name, place)"
        )
        loader.execute(
            "INSERT INTO control.cursor (system, stream, value) SELECT system, stream, '{\"newest\": 1}'"
            " FROM control.stream"
        )
    backup.dump(tmp_path / "town.dump")
    with environment(TOWNHUB_DATABASE_URL=empty_database):
        backup.restore(tmp_path / "town.dump")
        with connection.connect("loader") as loader:
            kept = loader.execute("SELECT system, value - 'restored' FROM control.cursor ORDER BY 1").fetchall()
    assert kept == [("a", {}), ("b", {"newest": 1})]


def test_no_password_is_among_the_arguments(
    fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    run = backup.subprocess.run

    def watched(command: list[str], **how: object) -> object:
        seen.append(list(command))
        return run(command, **how)  # type: ignore[call-overload]

    monkeypatch.setattr(backup.subprocess, "run", watched)
    backup.dump(tmp_path / "town.dump")
    password = psycopg.conninfo.conninfo_to_dict(connection.url())["password"]
    with environment(TOWNHUB_DATABASE_URL=f"{fresh_database.partition('@')[0].rpartition(':')[0]}@"
                     f"{fresh_database.partition('@')[2]}?password={password}"):  # fmt: skip
        backup.dump(tmp_path / "town.dump")
    assert [command[0].rpartition("/")[2] for command in seen].count("pg_dump") == 2
    assert not any(str(password) in argument for command in seen for argument in command)


def test_a_server_older_than_the_backup_is_refused(dumped: Path) -> None:
    other = external_server()
    if other is None:
        pytest.skip("no external PostgreSQL: set TOWNHUB_TEST_DATABASE_URL, or run one on 127.0.0.1:5432")
    with connection.connect() as conn, psycopg.connect(other) as there:
        if there.info.server_version // 10_000 >= conn.info.server_version // 10_000:
            pytest.skip("the external PostgreSQL is not older than the embedded one")
    with (
        empty(other) as target,
        environment(TOWNHUB_DATABASE_URL=target),
        pytest.raises(backup.BackupError, match=r"is of PostgreSQL \d+, and the server is an older one"),
    ):
        backup.restore(dumped)
