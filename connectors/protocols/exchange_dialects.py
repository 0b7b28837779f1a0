"""What PostgreSQL and MySQL/MariaDB each do best: reading many rows as text, and marking many rows as taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import polars as pl

from connectors.errors import Permanent
from connectors.protocols.base import Page
from connectors.protocols.exchange_rows import Register, page_of

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

CONNECT_SECONDS: Final = 10
READ_SECONDS: Final = 120
"""Longest silence of a database in the middle of a statement."""

BATCH_BYTES: Final = 32 * 1024 * 1024
"""A batch ends here even if it has fewer rows, so that giant fields do not add up."""


DIGEST: Final = "townhub_digest"
"""The column beside those of a row that tells, whatever its types and its time of change, whether it still is what was
read: made by the database itself, both times."""


@dataclass(frozen=True)
class Table:
    """A table's checked name and its columns with their SQL types."""

    name: str
    schema: str | None
    types: dict[str, str]


class Dialect(Protocol):
    """The part of reading an exchange database that differs between products."""

    connect_args: dict[str, Any]
    acknowledge_rows: int
    driver_errors: tuple[type[Exception], ...]
    refused: frozenset[str]
    gone: frozenset[str]

    def quote(self, identifier: str) -> str: ...

    def literal(self, value: str) -> str: ...

    def code(self, error: BaseException) -> str: ...

    def descriptor(self, connection: Any) -> int:
        """The file descriptor of the driver's connection."""

    def structure(self, engine: Engine, name: str, schema: str | None) -> dict[str, str]:
        """The columns of a table or view with their SQL types; empty when there is none that we may see.

        Asked of the catalogue itself: SQLAlchemy's reflection stumbles over types it does not know, and over its own
        first use in several threads at once.
        """

    def rows(
        self, engine: Engine, table: Table, names: list[str], where: str, order: str, batch: int,
        kept: Register | None, *, digest: str,
    ) -> Iterator[Page]:  # fmt: skip
        """The rows in pages of ``batch``; of a register that is ``kept`` only those that are new are parsed.

        With ``digest``, a condition, the digest of all columns in ``names`` stands behind them, null where it is false.
        """

    def acknowledge(
        self, connection: Connection, table: Table, rows: pl.DataFrame, names: list[str],
        flag: str, waiting: str, taken: str,
    ) -> None:  # fmt: skip
        """Mark the waiting rows whose key stands in ``rows`` with the digest that their ``names`` still have."""


def dialect_of(backend: str, timezone: str) -> Dialect:
    """The dialect of SQLAlchemy's backend name; times with a zone are given in ``timezone``."""
    if backend == "postgresql":
        return PostgreSql(timezone)
    if backend in ("mysql", "mariadb"):
        return MySql()
    raise Permanent(f"exchange databases of the kind {backend} are not read", "Use PostgreSQL, MySQL or MariaDB")


def waits(flag: str, waiting: str) -> str:
    """The condition of a row that was not taken yet, of a quoted column and a literal or a placeholder.

    Owners forget the flag, or their table has no default for it; such a row would never be read otherwise.
    """
    return f"({flag} = {waiting} OR {flag} IS NULL)"


def _select(dialect: Dialect, table: Table, columns: list[str], where: str, order: str) -> str:
    statement = f"SELECT {', '.join(columns)} FROM {_name(dialect, table)}"
    if where:
        statement += f" WHERE {where}"
    return f"{statement} ORDER BY {order}" if order else statement


def _name(dialect: Dialect, table: Table) -> str:
    return _qualified(dialect, table.name, table.schema)


def _qualified(dialect: Dialect, name: str, schema: str | None) -> str:
    return f"{dialect.quote(schema)}.{dialect.quote(name)}" if schema else dialect.quote(name)


class PostgreSql:
    """Reads by ``COPY … TO STDOUT``: one statement, one snapshot, and rows never become Python objects."""

    acknowledge_rows = 100_000
    refused = frozenset({"28P01", "28000", "42501", "3D000"})
    gone = frozenset({"42P01", "42703"})

    def __init__(self, timezone: str) -> None:
        import psycopg

        self._timezone = timezone
        self.driver_errors: tuple[type[Exception], ...] = (psycopg.Error,)
        self.connect_args: dict[str, Any] = {
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": READ_SECONDS * 1000,
            "options": f"-c datestyle=ISO -c timezone={timezone} -c statement_timeout={READ_SECONDS * 5000}",
        }

    def quote(self, identifier: str) -> str:
        return '"' + identifier.replace('"', '""') + '"'

    def literal(self, value: str) -> str:
        return "'" + value.replace("'", "''") + "'"

    def code(self, error: BaseException) -> str:
        code = getattr(error, "sqlstate", None)
        # libpq tells a refused login only by its text: psycopg has no SQLSTATE before a connection stands.
        if code is None and "authentication failed" in str(error):
            return "28P01"
        return code or ""

    def descriptor(self, connection: Any) -> int:
        return int(connection.fileno())

    def structure(self, engine: Engine, name: str, schema: str | None) -> dict[str, str]:
        query = (
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        with closing(engine.raw_connection()) as pooled, pooled.driver_connection.cursor() as cursor:  # type: ignore[union-attr]
            return dict(cursor.execute(query, [_qualified(self, name, schema)]).fetchall())

    def rows(
        self, engine: Engine, table: Table, names: list[str], where: str, order: str, batch: int,
        kept: Register | None, *, digest: str,
    ) -> Iterator[Page]:  # fmt: skip
        columns = [self._read_as(name, table.types[name]) for name in names]
        if digest:
            columns, names = [*columns, f"CASE WHEN {digest} THEN {self._digest(names)} END"], [*names, DIGEST]
        query = _select(self, table, columns, where, order)
        with closing(engine.raw_connection()) as pooled:
            driver: Any = pooled.driver_connection
            buffer: list[bytes] = []
            size = 0
            copying = f"COPY ({query}) TO STDOUT (FORMAT csv, FORCE_QUOTE *)"
            with driver.cursor() as cursor, cursor.copy(copying) as copy:
                for row in _rows(copy):
                    buffer.append(row)
                    size += len(row)
                    if len(buffer) >= batch or size >= BATCH_BYTES:
                        yield page_of(buffer, names, size, kept)
                        buffer, size = [], 0
            if buffer:
                yield page_of(buffer, names, size, kept)

    def acknowledge(
        self, connection: Connection, table: Table, rows: pl.DataFrame, names: list[str],
        flag: str, waiting: str, taken: str,
    ) -> None:  # fmt: skip
        """One statement for all rows: keys and digests go as arrays of text, keys are cast to the columns' types."""
        aliases = [f"v{number}" for number in range(rows.width)]
        same = " AND ".join(
            f"t.{self.quote(name)} = {self._written_as(f'a.{alias}', table.types[name])}"
            for name, alias in zip(rows.columns[:-1], aliases, strict=False)
        )
        statement = (
            f"UPDATE {_name(self, table)} AS t SET {self.quote(flag)} = %s "
            f"FROM unnest({', '.join(['%s::text[]'] * rows.width)}) AS a({', '.join(aliases)}) "
            f"WHERE {same} AND {self._digest(names, 't.')} = a.{aliases[-1]} "
            f"AND {waits(f't.{self.quote(flag)}', '%s')}"
        )
        arrays = [rows[name].to_list() for name in rows.columns]
        connection.exec_driver_sql(statement, (taken, *arrays, waiting))

    def _digest(self, names: list[str], table: str = "") -> str:
        return f"md5(ROW({', '.join(table + self.quote(name) for name in names)})::text)"

    def _read_as(self, name: str, kind: str) -> str:
        column = self.quote(name)
        return f"{column} AT TIME ZONE {self.literal(self._timezone)} AS {column}" if _zoned(kind) else column

    def _written_as(self, text: str, kind: str) -> str:
        if _zoned(kind):
            return f"({text}::timestamp AT TIME ZONE {self.literal(self._timezone)})"
        return f"{text}::{kind}"


def _rows(copy: Any) -> Iterator[bytes]:
    """The rows of a COPY, one by one. psycopg asks for each as if it had to wait for it, which costs a third of all the
    work on a row that is known from before: what libpq has there already is taken from it at once."""
    from psycopg import errors
    from psycopg.pq import ExecStatus

    libpq = copy.connection.pgconn
    while True:
        size, row = libpq.get_copy_data(1)
        if size == 0:  # nothing there yet: wait as psycopg does, unless that is the end
            if not (row := copy.read()):
                return
        elif size < 0:
            break
        yield bytes(row)
    while (result := libpq.get_result()) is not None:
        if result.status != ExecStatus.COMMAND_OK:
            raise errors.error_from_result(result)


def _zoned(kind: str) -> bool:
    return kind.upper().startswith("TIMESTAMP") and "WITH TIME ZONE" in kind.upper()


class MySql:
    """Reads with an unbuffered cursor and no conversion: values stay the text that the server sends."""

    # From 1000 constants on, MariaDB turns a list into a subquery.
    acknowledge_rows = 900
    refused = frozenset({"1044", "1045", "1049", "1142", "1143"})
    gone = frozenset({"1054", "1146"})

    def __init__(self) -> None:
        import pymysql

        self.driver_errors: tuple[type[Exception], ...] = (pymysql.Error,)
        self.connect_args: dict[str, Any] = {
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": READ_SECONDS,
            "write_timeout": READ_SECONDS,
            "charset": "utf8mb4",
        }

    def quote(self, identifier: str) -> str:
        return "`" + identifier.replace("`", "``") + "`"

    def literal(self, value: str) -> str:
        return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"

    def code(self, error: BaseException) -> str:
        return str(error.args[0]) if error.args and isinstance(error.args[0], int) else ""

    def descriptor(self, connection: Any) -> int:
        return int(connection._sock.fileno())

    def structure(self, engine: Engine, name: str, schema: str | None) -> dict[str, str]:
        query = (
            "SELECT column_name, column_type FROM information_schema.columns "
            "WHERE table_schema = coalesce(%s, database()) AND table_name = %s ORDER BY ordinal_position"
        )
        with closing(engine.raw_connection()) as pooled, pooled.driver_connection.cursor() as cursor:  # type: ignore[union-attr]
            cursor.execute(query, [schema, name])
            return dict(cursor.fetchall())

    def rows(
        self, engine: Engine, table: Table, names: list[str], where: str, order: str, batch: int,
        kept: Register | None, *, digest: str,
    ) -> Iterator[Page]:  # fmt: skip
        from pymysql.cursors import SSCursor

        columns = [self.quote(name) for name in names]
        if digest:
            columns, names = [*columns, f"CASE WHEN {digest} THEN {self._digest(names)} END"], [*names, DIGEST]
        query = _select(self, table, columns, where, order)
        with closing(engine.raw_connection()) as pooled:
            connection: Any = pooled.driver_connection
            connection.decoders = {}
            cursor = connection.cursor(SSCursor)
            try:
                cursor.execute(query)
                while rows := cursor.fetchmany(batch):
                    values = zip(*rows, strict=True)
                    frame = pl.DataFrame([pl.Series(n, v, dtype=pl.String) for n, v in zip(names, values, strict=True)])
                    yield Page(frame, bytes_in=int(frame.estimated_size()))
            finally:
                # The cursor would read the rest of the table before it closes; hanging up is quicker and always works.
                cursor.connection = None
                pooled.invalidate()

    def acknowledge(
        self, connection: Connection, table: Table, rows: pl.DataFrame, names: list[str],
        flag: str, waiting: str, taken: str,
    ) -> None:  # fmt: skip
        """Lists of constants, which the key's index serves: temporary tables need a right that readers seldom have."""
        whole = rows.drop_nulls()
        told = [*(self.quote(name) for name in rows.columns[:-1]), self._digest(names)]
        head = f"UPDATE {_name(self, table)} SET {self.quote(flag)} = %s WHERE {waits(self.quote(flag), '%s')} AND "
        if whole.height:
            one = f"({', '.join(['%s'] * whole.width)})"
            # The first column alone makes a range of the index; key and digest then decide.
            each = f"({', '.join(told)}) IN ({_listed(one, whole.height)})"
            same = f"{told[0]} IN ({_listed('%s', whole.height)}) AND {each}"
            values = [*whole.to_series(0), *(value for row in whole.iter_rows() for value in row)]
            connection.exec_driver_sql(head + same, (taken, waiting, *values))
        for row in rows.filter(pl.any_horizontal(pl.all().is_null())).iter_rows():
            connection.exec_driver_sql(head + " AND ".join(f"{value} <=> %s" for value in told), (taken, waiting, *row))

    def _digest(self, names: list[str]) -> str:
        """QUOTE tells a null from a text that says so, and where a value ends."""
        return f"MD5(CONCAT_WS(',', {', '.join(f'QUOTE({self.quote(name)})' for name in names)}))"


def _listed(item: str, times: int) -> str:
    return ", ".join([item] * times)
