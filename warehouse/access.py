"""Make roles and privileges what `warehouse.grants` says, compare them, and run an app's query.

Roles are cluster-wide and cannot log in; the hub's own login is a member of them and takes one per connection.
Apps have one role per purpose and see `serving` views alone.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from warehouse.audit import append
from warehouse.connection import connect, maintenance_url, open_connection, url, with_credentials
from warehouse.errors import WarehouseError
from warehouse.grants import (
    APPEND_ONLY,
    APPS,
    BUILDER,
    CREATORS,
    GRANTS,
    LOADER,
    OWNER,
    RELEASER,
    RELEASER_FUNCTIONS,
    RELEASER_ONLY,
    ROLES,
)
from warehouse.statements import kept_of

QUERY_SECONDS = 60
QUERY_ROWS = 100_000
_LOGIN_PREFIX = "townhub_query_"


def ensure_roles() -> None:
    """Create the missing roles and make the hub's login a member of them.

    Roles belong to the whole cluster, so the lock is taken in the maintenance database that all hubs share.
    Raises WarehouseError when the login may not manage roles.
    """
    with open_connection(maintenance_url()) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('townhub.roles', 0))")
        rows = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(ROLES)])
        known = {row[0] for row in rows}
        try:
            for role in ROLES:
                if role not in known:
                    connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
                member = connection.execute("SELECT pg_has_role(current_user, %s, 'MEMBER')", [role]).fetchone()
                if member is not None and not member[0]:
                    connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role)))
        except psycopg.errors.InsufficientPrivilege as error:
            raise WarehouseError(
                f"this login may not manage the hub's roles ({error.diag.message_primary}): give it CREATEROLE, or "
                f"have the roles {', '.join(ROLES)} created and granted to it"
            ) from error


def prepare_database(connection: psycopg.Connection) -> None:
    """Who may connect to this database and make temporary tables in it; not copied by a template, so apart.

    Nor are its statements compiled (`jit`), as a server that is not ours does out of the box: each of a build's many is
    used once. And a statement whose asker has ended is ended soon, and not when it is done: the next build would else
    wait for tables that a killed one still writes.
    """
    name = sql.Identifier(connection.info.dbname)
    everyone = sql.SQL(", ").join(map(sql.Identifier, ROLES))
    workers = sql.SQL(", ").join(map(sql.Identifier, (OWNER, LOADER, BUILDER)))
    for statement in (
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}, CURRENT_USER").format(name, everyone),
        sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(name, workers),
        sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(name, sql.Identifier(OWNER)),
        sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name),
        sql.SQL("ALTER DATABASE {} SET jit = off").format(name),
        sql.SQL("ALTER DATABASE {} SET client_connection_check_interval = '2s'").format(name),
    ):
        connection.execute(statement)


def apply_grants(connection: psycopg.Connection) -> None:
    """Make the privileges inside the database what `GRANTS` says; idempotent, in the caller's transaction.

    Runs as the hub's login, a member of every role, because the functions have two owners.
    """

    def run(text: str, *names: str) -> None:
        connection.execute(sql.SQL(text).format(*map(sql.Identifier, names)))

    connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    _take_back(connection)
    connection.execute("REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA control FROM PUBLIC")
    run("ALTER DEFAULT PRIVILEGES FOR ROLE {} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC", OWNER)
    for grant in GRANTS:
        for target in grant.objects:
            schema, _, name = target.partition(".")
            if name == "*":
                run(f"GRANT {grant.privileges} ON ALL TABLES IN SCHEMA {{}} TO {{}}", schema, grant.role)
                for creator in CREATORS[schema]:
                    if creator != grant.role:
                        future = f"GRANT {grant.privileges} ON TABLES TO {{}}"
                        run(
                            f"ALTER DEFAULT PRIVILEGES FOR ROLE {{}} IN SCHEMA {{}} {future}",
                            *(creator, schema, grant.role),
                        )
            elif grant.kind == "schema":
                run(f"GRANT {grant.privileges} ON SCHEMA {{}} TO {{}}", schema, grant.role)
            else:
                run(f"GRANT {grant.privileges} ON {grant.kind} {{}}.{{}} TO {{}}", schema, name, grant.role)
    for table in (*APPEND_ONLY, *RELEASER_ONLY):
        refused = "UPDATE, DELETE, TRUNCATE" if table in APPEND_ONLY else "INSERT, UPDATE, DELETE, TRUNCATE"
        run(f"REVOKE {refused} ON {{}}.{{}} FROM {{}}", *table.split("."), OWNER)
    # Foreign keys to a release are checked as its table's owner, who must be able to lock the row.
    run("GRANT UPDATE (run_id) ON control.release TO {}", OWNER)
    run("GRANT CREATE ON SCHEMA control TO {}", RELEASER)  # a function's new owner must have it for a moment
    for name in RELEASER_FUNCTIONS:
        for (found,) in _signatures(connection, "control", name):
            connection.execute(sql.SQL(f"ALTER FUNCTION {found} OWNER TO {{}}").format(sql.Identifier(RELEASER)))
    run("REVOKE CREATE ON SCHEMA control FROM {}", RELEASER)


def hand_back_functions(connection: psycopg.Connection) -> None:
    """Give the functions that publish to the owner, who alone migrates; `apply_grants` gives them away again."""
    for name in RELEASER_FUNCTIONS:
        for (found,) in _signatures(connection, "control", name):
            connection.execute(sql.SQL(f"ALTER FUNCTION {found} OWNER TO {{}}").format(sql.Identifier(OWNER)))


def _take_back(connection: psycopg.Connection) -> None:
    """Revoke every privilege that the table does not give any more (a grant alone would never take one away).

    A role keeps its rights in schemas where it creates tables of its own.
    """
    for role, target, word in unexpected_privileges(connection)["extra"]:
        schema, _, rest = target.partition(".")
        name, _, column = rest.partition(".")
        to = "PUBLIC" if role == "PUBLIC" else sql.Identifier(role).as_string(connection)
        if column or role == OWNER:
            continue  # the one column grant is given below
        if not name:
            statement = f"REVOKE {word} ON SCHEMA {{}} FROM {to}"
            connection.execute(sql.SQL(statement).format(sql.Identifier(schema)))
        elif word == "EXECUTE":
            for (found,) in _signatures(connection, schema, name):
                connection.execute(sql.SQL(f"REVOKE EXECUTE ON FUNCTION {found} FROM {to}"))
        else:
            connection.execute(sql.SQL(f"REVOKE {word} ON {{}} FROM {to}").format(sql.Identifier(schema, name)))


def _signatures(connection: psycopg.Connection, schema: str, name: str) -> list[tuple[str]]:
    return connection.execute(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = to_regnamespace(%s) AND proname = %s",
        [schema, name],
    ).fetchall()


Privilege = tuple[str, str, str]  # role, object, privilege


def unexpected_privileges(connection: psycopg.Connection) -> dict[str, list[Privilege]]:
    """Compare the privileges in the catalog with `GRANTS`.

    Returns {'extra': [...], 'missing': [...]}, both empty when they are equal. What a role owns is not listed.
    """
    actual = {(str(a), str(b), str(c)) for a, b, c in connection.execute(_ACTUAL, [list(ROLES)])}
    expected: set[Privilege] = set()
    for grant in GRANTS:
        for target in grant.objects:
            schema, _, name = target.partition(".")
            objects = [target]
            if name == "*":
                found = connection.execute(
                    "SELECT format('%%s.%%s', relnamespace::regnamespace, relname) FROM pg_class "
                    "WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'v', 'm', 'p') "
                    "AND relowner <> %s::regrole",
                    [schema, grant.role],
                )
                objects = [str(row[0]) for row in found]
            expected |= {(grant.role, each, word) for each in objects for word in grant.privileges.split(", ")}
    owned = {(RELEASER, f"control.{name}", "EXECUTE") for name in RELEASER_FUNCTIONS}
    return {"extra": sorted(actual - expected - owned), "missing": sorted(expected - actual - owned)}


# Every grant to one of our roles or to PUBLIC on schemas, tables, columns and functions of our schemas.
_ACTUAL = """
WITH ours AS (
    SELECT oid, nspname, nspacl, nspowner FROM pg_namespace
    WHERE nspname NOT LIKE 'pg\\_%%' AND nspname <> 'information_schema'
), granted AS (
    SELECT nspname AS object, acl.*, nspowner AS owner FROM ours, aclexplode(nspacl) acl
    UNION ALL
    SELECT nspname || '.' || relname, acl.*, relowner FROM ours JOIN pg_class c ON relnamespace = ours.oid,
        aclexplode(relacl) acl WHERE relkind <> 'S'
    UNION ALL
    SELECT nspname || '.' || relname || '.' || attname, acl.*, relowner FROM ours
        JOIN pg_class c ON relnamespace = ours.oid JOIN pg_attribute a ON attrelid = c.oid, aclexplode(attacl) acl
    UNION ALL
    SELECT nspname || '.' || proname, acl.*, proowner FROM ours JOIN pg_proc ON pronamespace = ours.oid,
        aclexplode(coalesce(proacl, acldefault('f', proowner))) acl
)
SELECT coalesce(r.rolname, 'PUBLIC'), object, privilege_type
FROM granted LEFT JOIN pg_roles r ON r.oid = grantee
WHERE (grantee = 0 OR r.rolname = ANY(%s)) AND grantee <> granted.owner
"""


@dataclass(frozen=True)
class QueryResult:
    """Rows of an app's query with their column names; `truncated` when there were more than were fetched."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    truncated: bool


def run_as(app: str, query: str, *, actor: str | None = None, limit: int = QUERY_ROWS) -> QueryResult:
    """Run one read-only statement as an app, after writing it to the audit chain without its literals.

    `app` is one of `grants.PRODUCTS` or the role's full name. The statement runs on a login that was
    made for it and is a member of the app's role only: whatever it says (SET ROLE, set_config), it cannot become
    another role. Raises WarehouseError for an unknown app; psycopg.Error for a statement that is refused.
    """
    role = app if app.startswith("townhub_app_") else f"townhub_app_{app}"
    if role not in {f"townhub_app_{known}" for known in APPS}:
        raise WarehouseError(f"there is no app {app!r}; the apps are {', '.join(APPS)}")
    with connect() as connection:
        append(connection, actor or role, "query", {"role": role, **kept_of(query)})
    with _login(role) as login, open_connection(login, application_name=f"townhub {role}") as connection:
        connection.read_only = True
        connection.execute(f"SET LOCAL statement_timeout = '{QUERY_SECONDS}s'")
        # One statement only: the extended protocol takes no more, and client-side parameters are not offered.
        cursor = connection.execute(query, prepare=True)
        if cursor.description is None:
            return QueryResult([], [], False)
        rows = cursor.fetchmany(limit + 1)
        return QueryResult([column.name for column in cursor.description], rows[:limit], len(rows) > limit)


@contextmanager
def _login(role: str) -> Iterator[str]:
    """A URL of the warehouse with a login that is a member of `role` alone and is dropped afterwards.

    The logins of queries that died are swept when their minute has passed.
    """
    name, password = f"{_LOGIN_PREFIX}{os.getpid()}_{secrets.token_hex(4)}", secrets.token_urlsafe(24)
    expires = datetime.now(UTC) + timedelta(seconds=QUERY_SECONDS)
    with open_connection(maintenance_url(), autocommit=True) as connection:
        dead = connection.execute(
            "SELECT rolname FROM pg_roles "
            "WHERE starts_with(rolname, %s) AND rolvaliduntil < now() - interval '1 minute'",
            [_LOGIN_PREFIX],
        ).fetchall()
        for (old,) in dead:
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(old)))
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} VALID UNTIL {} IN ROLE {}").format(
                sql.Identifier(name),
                sql.Literal(password),
                sql.Literal(expires.isoformat()),
                sql.Identifier(role),
            )
        )
        try:
            yield with_credentials(url(), name, password)
        finally:
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))
