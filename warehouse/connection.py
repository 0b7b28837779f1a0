"""Connections to the warehouse and to the databases beside it.

Logical names: `townhub` (the warehouse), `dagster` (Dagster's storage), `upstream` (the simulated exchange
database). With the embedded server these are databases of that name; with TOWNHUB_DATABASE_URL the URL's own
database is the warehouse and the others are `<db>_dagster` and `<db>_upstream`. Any other name is taken as it is.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from warehouse.errors import WarehouseError, WarehouseUnreachable
from warehouse.settings import TIME_ZONE, ConfigurationError, Settings, settings

Role = Literal["owner", "loader", "builder", "publisher", "auditor"]
Driver = Literal["psycopg", "psycopg2"]

WAREHOUSE = "townhub"

__all__ = [
    "WarehouseError",
    "WarehouseUnreachable",
    "connect",
    "database_name",
    "ensure_database",
    "ensure_upstream",
    "maintenance_url",
    "open_connection",
    "upstream_url",
    "url",
    "with_credentials",
]


def database_name(database: str = WAREHOUSE) -> str:
    """The real name of a logical database."""
    config = settings()
    if config.embedded:
        return database
    base = _split(config).path.lstrip("/")
    return {WAREHOUSE: base, "dagster": f"{base}_dagster", "upstream": f"{base}_upstream"}.get(database, database)


def url(database: str = WAREHOUSE, driver: Driver | None = None) -> str:
    """The URL of a logical database, starting the embedded server if need be.

    `driver` gives SQLAlchemy's form (`postgresql+psycopg2://…`). The database itself may not exist yet:
    see `ensure_database`.
    """
    scheme = f"postgresql+{driver}" if driver else "postgresql"
    return urlunsplit(_server()._replace(scheme=scheme, path="/" + quote(database_name(database), safe="")))


def connect(
    role: Role | None = None,
    *,
    autocommit: bool = False,
    database: str | None = None,
    application_name: str = "townhub",
) -> psycopg.Connection:
    """Open a connection; with a role it acts as townhub_<role> for its whole life.

    The role and the time zone are set as start-up options, so that a rollback does not undo them.
    Raises WarehouseUnreachable when the server cannot be reached, WarehouseError when a person must mend something
    first (a password, a right, a migration).
    """
    options = f"-c TimeZone={TIME_ZONE}" + (f" -c role=townhub_{role}" if role else "")
    return open_connection(
        url(database or WAREHOUSE), options=options, autocommit=autocommit, application_name=application_name
    )


def open_connection(
    target: str, *, options: str = "", autocommit: bool = False, application_name: str = "townhub"
) -> psycopg.Connection:
    """`psycopg.connect` with our options added to the URL's own, and errors that name the remedy."""
    parts = urlsplit(target)
    given = dict(parse_qsl(parts.query)).get("options", "")
    try:
        return psycopg.connect(
            target,
            options=f"{given} {options}".strip(),
            autocommit=autocommit,
            application_name=application_name,
            connect_timeout=15,
        )
    except psycopg.OperationalError as error:
        raise _explained(str(error), parts) from error


def ensure_database(database: str = WAREHOUSE) -> str:
    """Create a logical database if it is missing; returns its real name.

    A warehouse must be in UTF-8: one that is not is refused.
    """
    name = database_name(database)
    with open_connection(maintenance_url(), autocommit=True) as connection:
        row = connection.execute(
            "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
        if row is None:
            create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'")
            try:
                connection.execute(create.format(sql.Identifier(name)))
            except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                pass  # another process was faster
            except psycopg.errors.InsufficientPrivilege as error:
                raise WarehouseError(
                    f"the database {name!r} is missing and this user may not create it: have it created "
                    f"(CREATE DATABASE {name} ENCODING 'UTF8') or give the user CREATEDB"
                ) from error
        elif row[0] != "UTF8":
            raise WarehouseError(f"the database {name!r} is in {row[0]}; create one with ENCODING 'UTF8'")
    return name


def ensure_upstream() -> str:
    """Create the simulated exchange database and its own login role; returns `upstream_url()`."""
    from warehouse.cluster import Places, secret

    name = ensure_database("upstream")
    role = _upstream_role()
    places = Places(settings().home / "postgres")
    places.create()
    password = secret(places, f"{role}_password")
    with open_connection(maintenance_url(), autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
        verb = "ALTER" if known else "CREATE"
        connection.execute(
            sql.SQL(verb + " ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
        )
        connection.execute(
            sql.SQL("GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {} TO {}").format(
                sql.Identifier(name), sql.Identifier(role)
            )
        )
    with open_connection(url("upstream"), autocommit=True) as connection:
        connection.execute(sql.SQL("GRANT CREATE, USAGE ON SCHEMA public TO {}").format(sql.Identifier(role)))
    return upstream_url()


def upstream_url() -> str:
    """The exchange database's URL with its own login, as an upstream system would be given it."""
    from warehouse.cluster import Places, secret

    role = _upstream_role()
    password = secret(Places(settings().home / "postgres"), f"{role}_password")
    return with_credentials(url("upstream"), role, password)


def maintenance_url() -> str:
    """A database that always exists, for statements about databases and roles."""
    return urlunsplit(_server()._replace(path="/postgres"))


def _upstream_role() -> str:
    return "upstream" if settings().embedded else database_name("upstream")


def _server() -> SplitResult:
    config = settings()
    if config.embedded:
        from warehouse.server import ensure_started  # only embedded hubs need the launcher

        return urlsplit(ensure_started(config).url + "/postgres")
    return _split(config)


def _split(config: Settings) -> SplitResult:
    parts = urlsplit(config.database_url or "")
    if not parts.path.strip("/"):
        raise ConfigurationError("TOWNHUB_DATABASE_URL names no database; add one: postgresql://user@host:5432/townhub")
    return parts._replace(scheme="postgresql", path="/" + unquote(parts.path).strip("/"))


def _explained(message: str, parts: SplitResult) -> WarehouseError:
    where = f"{parts.hostname}:{parts.port or 5432}/{unquote(parts.path).lstrip('/')}"
    lines = [line for line in message.strip().splitlines() if not line.startswith("\t")]  # a tab begins libpq's hints
    kind, reason = WarehouseError, lines[-1] if lines else "no answer"
    if 'role "townhub_' in message:
        remedy = "the warehouse is not migrated: run `townhub run`, or warehouse.migrate.upgrade()"
    elif "does not exist" in message and "database" in message:
        remedy = "create the database, or run warehouse.migrate.upgrade() which creates it"
    elif "password authentication failed" in message:
        remedy = "check user and password in TOWNHUB_DATABASE_URL"
    elif "permission denied to set role" in message:
        remedy = "run warehouse.migrate.upgrade() as this user, or have its roles granted by the owner of the cluster"
    else:
        kind = WarehouseUnreachable
        remedy = "check that the server runs and TOWNHUB_DATABASE_URL is right (unset: the embedded server)"
    return kind(f"cannot connect to {where}: {reason}; {remedy}")


def with_credentials(target: str, user: str, password: str) -> str:
    """The same URL with another login."""
    parts = urlsplit(target)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{host}"))
