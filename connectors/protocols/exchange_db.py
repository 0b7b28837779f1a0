"""Exchange databases (前置机): tables that the owner of the data fills and the hub reads with SQL.

Two ways to read only what is new. With ``acknowledge {column, waiting, taken}`` in the contract the owner marks new
and changed rows as waiting and the hub marks them taken, but only after they are committed here, and only where the
row still is what was read, in every column: one that was changed in between stays waiting, also within one second. A
row whose flag was left empty waits too: nobody has taken it. Without a flag, rows are asked for by their time of
change. Values are taken as the text that the database prints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from connectors.errors import ContractViolation, Permanent, Retriable
from connectors.formats import require_columns
from connectors.formats.fields import without_oversized
from connectors.protocols.base import Extraction, Page, Pull
from connectors.protocols.exchange_dialects import DIGEST, READ_SECONDS, Dialect, Table, dialect_of, waits
from connectors.protocols.exchange_rows import Register
from connectors.protocols.watchdog import Watchdog
from warehouse.settings import positive

if TYPE_CHECKING:
    from sqlalchemy import Engine

_IDENTIFIER: Final = re.compile(r"^\w{1,63}$")
_DRIVERS: Final = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "mysql+pymysql": "mysql+pymysql",
    "mariadb+pymysql": "mysql+pymysql",
}


@dataclass(frozen=True)
class Flag:
    """The column in which owner and hub tell each other which rows are new."""

    column: str
    waiting: str
    taken: str


@dataclass
class ExchangeExtraction:
    """One pull of one table."""

    pull: Pull
    engine: Engine
    dialect: Dialect
    watchdog: Watchdog
    state: dict[str, Any] = field(default_factory=dict)
    complete: bool = False

    def __post_init__(self) -> None:
        stream = self.pull.stream
        self._where = f"{stream.system}.{stream.name}"
        flag = self.pull.server.get("acknowledge")
        self._flag = Flag(str(flag["column"]), str(flag["waiting"]), str(flag["taken"])) if flag else None
        self._identity = [*(column.physical_name for column in stream.primary_key), DIGEST]
        self._names: list[str] = []
        self._read: list[pl.DataFrame] = []

    def pages(self) -> Iterator[Page]:
        """The waiting or changed rows in batches of ``page_rows``."""
        table = self._table()
        names = [name for name in table.types if self._flag is None or name != self._flag.column]
        where, order = self._condition(table)
        first_row = 0
        register = self._register(names)
        self._names = names
        # Of rows that were taken long ago nothing is remembered until the commit: nobody has to be told of them.
        waiting = (
            waits(self.dialect.quote(self._flag.column), self.dialect.literal(self._flag.waiting)) if self._flag else ""
        )
        batches = self.dialect.rows(
            self.engine, table, names, where, order, self.pull.page_rows, register, digest=waiting
        )
        with self._errors("reading"):
            for page in self._in_time(batches):
                if waiting:
                    self._read.append(page.frame.select(self._identity).drop_nulls(DIGEST))
                    page = replace(page, frame=page.frame.drop(DIGEST))
                yield _bounded(page, first_row)
                first_row += page.rows
        self.complete = self.pull.stream.load == "snapshot"

    def acknowledge(self) -> None:
        """Mark the rows that were read as taken where they are still what was read."""
        if self._flag is None or not self._read:
            return
        table = self._table()
        with self._errors("acknowledging"), self.engine.begin() as connection:
            for rows in pl.concat(self._read).iter_slices(self.dialect.acknowledge_rows):
                with self.watchdog:
                    self.dialect.acknowledge(
                        connection, table, rows, self._names, self._flag.column, self._flag.waiting, self._flag.taken
                    )

    def _register(self, names: list[str]) -> Register | None:
        """Rows that are to be marked as taken have to be parsed, and so has what the contract does not know."""
        stream = self.pull.stream
        if self.pull.known is None or self._flag is not None or set(names) != {c.physical_name for c in stream.columns}:
            return None
        return Register(self.pull.known, [column.physical_name for column in stream.primary_key])

    def _in_time(self, batches: Iterator[Page]) -> Iterator[Page]:
        """The batches, each to be fetched within the watchdog's time."""
        while True:
            with self.watchdog:
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def _table(self) -> Table:
        """The table as it is now, every name checked; raises ``ContractViolation`` naming what is missing."""
        schema, _, name = self.pull.stream.physical_name.rpartition(".")
        if not all(_IDENTIFIER.match(part) for part in (name, schema) if part):
            raise Permanent(
                f"{self._where}: {self.pull.stream.physical_name!r} is no table name", "Correct physicalName"
            )
        with self._errors("reading the structure"), self.watchdog:
            columns = self.dialect.structure(self.engine, name, schema or None)
        if not columns:
            raise ContractViolation(
                f"{self._where}: the table {self.pull.stream.physical_name} is not there or not readable",
                "Ask the owner whether it was renamed or our rights were withdrawn",
            )
        require_columns(self.pull.stream, columns)
        if self._flag is not None and self._flag.column not in columns:
            raise ContractViolation(
                f"{self._where}: the flag column {self._flag.column} is gone",
                "Ask the owner how new rows are marked now",
            )
        if self.pull.stream.refusals:
            # What may never be taken in is not even asked for.
            asked = {column.physical_name for column in self.pull.stream.columns}
            asked |= {self._flag.column} if self._flag is not None else set()
            columns = {c: kind for c, kind in columns.items() if c in asked}
        # A column that the contract does not know is kept if its name can be quoted safely; it is reported by conform.
        return Table(name, schema or None, {c: kind for c, kind in columns.items() if _IDENTIFIER.match(c)})

    def _condition(self, table: Table) -> tuple[str, str]:
        """WHERE and ORDER BY, either may be empty."""
        quote, literal = self.dialect.quote, self.dialect.literal
        cursor = self.pull.stream.cursor
        if self._flag is not None and not self.pull.afresh:
            return waits(quote(self._flag.column), literal(self._flag.waiting)), ""
        if cursor is None or self.pull.stream.load == "snapshot":
            return "", ""
        column = quote(cursor.physical_name)
        if self.pull.since is None or self._flag is not None:
            return "", column
        local = self.pull.since.astimezone(self.pull.server.timezone).replace(tzinfo=None)
        limit = literal(local.isoformat(" "))
        # A row without its time of change would never be seen again: it comes every time until its owner mends it.
        return f"({column} >= {limit} OR {column} IS NULL)", column

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        """Errors of driver and database as ours; their texts are dropped because they quote rows."""
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError

        expected: tuple[type[Exception], ...] = (SQLAlchemyError, *self.dialect.driver_errors)
        try:
            yield
        except expected as error:
            cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
            code = self.dialect.code(cause)
            if code in self.dialect.refused:
                raise Permanent(
                    f"{self._where}: the database refuses us ({code}) while {doing}",
                    "Check user, password and rights in the system's environment variable",
                ) from None
            if code in self.dialect.gone:
                raise ContractViolation(
                    f"{self._where}: the table changed while {doing} ({code})",
                    "Ask the owner what was changed",
                ) from None
            raise Retriable(
                f"{self._where}: the database failed while {doing} ({type(cause).__name__} {code})".rstrip(),
                "Check that it is up and reachable",
            ) from None


def _bounded(page: Page, first_row: int) -> Page:
    """The page with oversized rows set apart; then all of it as rows."""
    bounded = without_oversized(page.frame, page.bytes_in, first_row)
    if page.records is None or not bounded.bad:
        return page if page.records is not None else bounded
    return without_oversized(page.records.parse(np.ones(page.rows, dtype=np.bool_)), page.bytes_in, first_row)


def prepare() -> None:
    """Make one engine of each kind and throw it away: with the first one, SQLAlchemy imports its dialect and driver."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    for driver in sorted(set(_DRIVERS.values())):
        create_engine(f"{driver}://", poolclass=NullPool).dispose()


@contextmanager
def open_extraction(pull: Pull) -> Iterator[Extraction]:
    """Open the pull of one table; see ``connectors.protocols.base``."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError
    from sqlalchemy.pool import NullPool

    try:
        url = make_url(pull.server.endpoint)
        url = url.set(drivername=_DRIVERS[url.drivername])
    except (ArgumentError, KeyError):
        raise Permanent(
            f"{pull.stream.system}: the endpoint is no database address",
            "Use postgresql://user:password@host/database or mysql://…",
        ) from None
    allowed = pull.server.get("allowedHosts")
    if allowed and url.host not in allowed:
        raise Permanent(
            f"{pull.stream.system}: the host {url.host} is not among the contract's allowedHosts",
            "Correct the address, or add the host to the contract after asking its owner",
        )
    dialect = dialect_of(url.get_backend_name(), pull.server.timezone.key)
    engine = create_engine(url, poolclass=NullPool, connect_args=dialect.connect_args, hide_parameters=True)
    watchdog = Watchdog(float(positive("TOWNHUB_SOURCE_DEADLINE_SECONDS", int(READ_SECONDS))))
    event.listen(engine, "connect", lambda connection, _: watchdog.watch(dialect.descriptor(connection)))
    try:
        yield ExchangeExtraction(pull, engine, dialect, watchdog)
    finally:
        engine.dispose()
        watchdog.close()
