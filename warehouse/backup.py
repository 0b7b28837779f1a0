"""The warehouse in one file, and back: PostgreSQL's own pg_dump and pg_restore around what only the hub knows.

A backup is one state of everything but the rows of isolated streams, which must not outlive their purpose in a file
(what of them waits in quarantine is in it). A restore fills an empty database in one transaction, or leaves it empty.
Roles belong to the server and are made by the hub, so a backup moves to another server, too.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import conninfo, sql

from warehouse import access, build_inputs, connection, ledger, migrate
from warehouse.binaries import find_binaries
from warehouse.errors import WarehouseError
from warehouse.settings import settings

ISOLATED: Final = "isolated.*"
COMPRESSION: Final = "1"
"""Of gzip, which every build of pg_dump has: higher levels cost far more time than they save of a file."""


class BackupError(WarehouseError):
    """A backup that cannot be made or restored; the message names the remedy."""


@dataclass(frozen=True)
class Contents:
    """What a warehouse holds, to be compared by a person."""

    newest_load: int | None
    newest_release: int | None
    landed_rows: int


def contents(conn: psycopg.Connection) -> Contents:
    """Role builder."""
    row = conn.execute(
        "SELECT max(load_id), (SELECT max(release_id) FROM control.release), coalesce(sum(rows_landed), 0)"
        " FROM control.load WHERE state = 'committed'"
    ).fetchone()
    assert row is not None
    return Contents(row[0], row[1], int(row[2]))


def dump(target: Path) -> Contents:
    """Write the warehouse into a file that is there and empty; what it holds.

    A build that is under way is waited for, and none begins meanwhile; loads go on. Raises BackupError, and BuildBusy
    when a build takes too long.
    """
    with connection.connect("builder") as lock, connection.connect("builder") as conn:
        build_inputs.keep_builds_out(lock)
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = contents(conn)
        (snapshot,) = conn.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        _refuse_a_login_that_sees_not_all()
        _run("pg_dump", "--format=custom", f"--compress={COMPRESSION}", f"--exclude-table-data={ISOLATED}",
             f"--snapshot={snapshot}", "--no-password", f"--file={target}")  # fmt: skip
    return found


def restore(source: Path) -> Contents:
    """Fill the warehouse, which must hold nothing yet, from a file that `dump` wrote; what it holds.

    Raises BackupError before anything is written, or when PostgreSQL could not read the file, which leaves the database
    empty.
    """
    listed = _tool("pg_restore", "--list", str(source), problem=f"{source} is no backup, or not all of one")
    _refuse_newer_code(source)
    connection.ensure_database()
    with connection.connect(autocommit=True) as conn:
        _refuse_what_is_there(conn)
        _refuse_an_older_server(conn, listed)
    access.ensure_roles()
    _run("pg_restore", "--single-transaction", "--exit-on-error", "--no-password", str(source))
    with connection.connect(autocommit=True) as conn:
        access.prepare_database(conn)
        conn.execute("ANALYZE")
    migrate.upgrade()
    with connection.connect("loader") as conn:
        _ask_for_isolated_rows_anew(conn)
        ledger.note_restore(conn)
    with connection.connect("builder") as conn:
        return contents(conn)


def _ask_for_isolated_rows_anew(conn: psycopg.Connection) -> None:
    """Their rows are not in the file: a cursor, or an answer that stands, would keep them from coming again."""
    for table in ("cursor", "lookup_answer", "received"):
        conn.execute(
            sql.SQL(
                "DELETE FROM control.{} AS t USING control.stream AS s"
                " WHERE (t.system, t.stream) = (s.system, s.stream) AND s.landing_schema = 'isolated'"
            ).format(sql.Identifier(table))
        )


def _refuse_a_login_that_sees_not_all() -> None:
    """Apps see released rows by policies, which hold for every login that nobody has excepted."""
    with connection.connect() as conn:
        row = conn.execute(
            "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user"
        ).fetchone()
    if row is not None and not row[1]:
        raise BackupError(
            f"the login {row[0]} does not see all rows of the releases: have it made so (ALTER ROLE {row[0]} "
            "BYPASSRLS), or back the database up by the server's own means"
        )


def _refuse_newer_code(source: Path) -> None:
    told = _tool("pg_restore", "--data-only", "--schema=control", "--table=migrated", "--file=-", str(source),
                 problem=f"{source} is no backup, or not all of one")  # fmt: skip
    made = re.search(r"^t\t(\w+)\t", told, re.MULTILINE)
    if made is None:
        raise BackupError(f"{source} is no backup of a warehouse: name a file that `townhub backup` wrote")
    if made[1] not in migrate.revisions():
        raise BackupError(f"{source} was made by newer code (revision {made[1]}): upgrade TownHub, then restore it")


def _refuse_what_is_there(conn: psycopg.Connection) -> None:
    """A restore adds nothing to what is there and replaces nothing."""
    if conn.execute("SELECT to_regnamespace('control') IS NOT NULL").fetchone() == (True,):
        remedy = (
            "delete it with `townhub down --purge --yes`, or name another folder by TOWNHUB_HOME"
            if settings().embedded
            else "let TOWNHUB_DATABASE_URL name an empty one"
        )
        raise BackupError(f"this hub has a warehouse already, and a backup is restored into an empty one: {remedy}")


def _refuse_an_older_server(conn: psycopg.Connection, listed: str) -> None:
    """PostgreSQL reads dumps of its own and of earlier versions."""
    made = re.search(r"Dumped from database version: (\d+)", listed)
    here = conn.info.server_version // 10_000
    if made and int(made[1]) > here:
        raise BackupError(
            f"this backup is of PostgreSQL {made[1]}, and the server is an older one ({here}): restore it into "
            f"{made[1]} or later"
        )


def _run(tool: str, *arguments: str) -> None:
    """A client program of PostgreSQL upon the warehouse; a password goes by the environment, where nobody sees it."""
    where = {name: str(value) for name, value in conninfo.conninfo_to_dict(connection.url()).items()}
    password = where.pop("password", "")
    _tool(tool, f"--dbname={conninfo.make_conninfo(**where)}", *arguments, problem=f"{tool} did not succeed",
          environment={"PGPASSWORD": password} if password else {})  # fmt: skip


def _tool(tool: str, *arguments: str, problem: str, environment: dict[str, str] | None = None) -> str:
    folder = find_binaries(settings().pg_bin).folder
    command: Sequence[str] = (str(folder / tool), *arguments)
    try:
        done = subprocess.run(
            command, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace",
        )  # fmt: skip
    except FileNotFoundError:
        raise BackupError(
            f"{folder} has no {tool}: install PostgreSQL's client programs there, or let TOWNHUB_PG_BIN name a folder "
            "that has them"
        ) from None
    if done.returncode:
        raise BackupError(f"{problem}: {_reason(done.stderr)}")
    return done.stdout


def _reason(said: str) -> str:
    """The first error that PostgreSQL's programs told, without the lines that quote rows."""
    lines = [line for line in said.splitlines() if "error:" in line]
    first = lines[0].partition("error:")[2].strip() if lines else "it gave no reason"
    if "server version mismatch" in first:
        return f"{first}; let TOWNHUB_PG_BIN name the programs of the server's version"
    return first
