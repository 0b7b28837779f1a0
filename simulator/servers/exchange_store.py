"""Writing many rows into PostgreSQL or MariaDB: what the owner of an exchange table does every night."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Protocol

import polars as pl
from sqlalchemy import Connection, Engine


class Store(Protocol):
    """Creates and refreshes exchange tables in one kind of database."""

    default_port: int

    def fitting(self, frame: pl.DataFrame) -> pl.DataFrame:
        """``frame`` without what this database cannot hold."""

    def create(
        self, table: str, frame: pl.DataFrame, key: list[str], changed_at: str | None, flag: dict[str, str]
    ) -> None:
        """Make the table anew and fill it."""

    def replace(
        self, table: str, changed: pl.DataFrame, gone: pl.DataFrame, key: list[str], flag: dict[str, str]
    ) -> None:
        """Replace the rows of the changed keys and delete the keys that are gone."""


def store_of(engine: Engine) -> Store:
    return PostgresStore(engine) if engine.dialect.name == "postgresql" else MariaStore(engine)


class _Store(ABC):
    """What both kinds have in common: statements in one transaction each, names quoted by the dialect."""

    types: ClassVar[dict[type[pl.DataType], str]]
    key_type: ClassVar[str]

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.quote = engine.dialect.identifier_preparer.quote_identifier

    def create(
        self, table: str, frame: pl.DataFrame, key: list[str], changed_at: str | None, flag: dict[str, str]
    ) -> None:
        columns = [f"{self.quote(name)} {self._type(name, kind, key)}" for name, kind in frame.schema.items()]
        columns += [f"{self.quote(name)} varchar(2) NOT NULL DEFAULT '{value}'" for name, value in flag.items()]
        with self.engine.begin() as connection:
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {self.quote(table)}")
            connection.exec_driver_sql(f"CREATE TABLE {self.quote(table)} ({', '.join(columns)}){self._options()}")
            self._fill(connection, table, frame)
            # Real exchange tables index the key and what readers ask by; keys are seldom declared unique.
            indexed = [key, *([name] for name in flag)]
            if not flag and changed_at in frame.columns:
                indexed.append([str(changed_at)])
            for number, names in enumerate(names for names in indexed if names):
                listed = ", ".join(self.quote(name) for name in names)
                connection.exec_driver_sql(
                    f"CREATE INDEX {self.quote(f'{table}_i{number}')} ON {self.quote(table)} ({listed})"
                )

    def replace(
        self, table: str, changed: pl.DataFrame, gone: pl.DataFrame, key: list[str], flag: dict[str, str]
    ) -> None:
        keys = pl.concat([changed.select(key), gone.select(key)]).unique()
        with self.engine.begin() as connection:
            same = " AND ".join(f"{self.quote(name)} = %s" for name in key)
            for rows in keys.iter_slices(500):
                where = " OR ".join([f"({same})"] * rows.height)
                values = tuple(value for row in rows.iter_rows() for value in row)
                connection.exec_driver_sql(f"DELETE FROM {self.quote(table)} WHERE {where}", values)
            self._fill(connection, table, changed)

    def _type(self, name: str, kind: pl.DataType, key: list[str]) -> str:
        if name in key and kind == pl.String:
            return self.key_type
        return self.types[kind.base_type()]

    def _options(self) -> str:
        return ""

    @abstractmethod
    def _fill(self, connection: Connection, table: str, frame: pl.DataFrame) -> None:
        """Append the rows of ``frame``."""


class PostgresStore(_Store):
    """Fills by COPY."""

    default_port = 5432
    key_type = "varchar(200)"
    types: ClassVar[dict[type[pl.DataType], str]] = {
        pl.String: "text",
        pl.Datetime: "timestamp",
        pl.Date: "date",
        pl.Int8: "integer",
        pl.Int16: "integer",
        pl.Int32: "integer",
        pl.Int64: "bigint",
        pl.UInt8: "integer",
        pl.UInt32: "bigint",
        pl.Float64: "double precision",
        pl.Decimal: "numeric",
        pl.Boolean: "boolean",
        pl.Null: "text",
    }

    def fitting(self, frame: pl.DataFrame) -> pl.DataFrame:
        """PostgreSQL's text holds no U+0000: a source that runs on it cannot send one."""
        texts = [name for name, kind in frame.schema.items() if kind == pl.String]
        holding = [name for name in texts if frame[name].str.contains("\x00", literal=True).any()]
        return frame.with_columns(pl.col(holding).str.replace_all("\x00", "", literal=True)) if holding else frame

    def _fill(self, connection: Connection, table: str, frame: pl.DataFrame) -> None:
        driver: Any = connection.connection.driver_connection
        names = ", ".join(self.quote(name) for name in frame.columns)
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY {self.quote(table)} ({names}) FROM STDIN (FORMAT csv)") as copy,
        ):
            for part in frame.iter_slices(50_000):
                copy.write(part.write_csv(include_header=False).encode())


class MariaStore(_Store):
    """Fills by INSERTs of many rows."""

    default_port = 3306
    key_type = "varchar(200)"
    types: ClassVar[dict[type[pl.DataType], str]] = {
        **PostgresStore.types,
        pl.String: "longtext",
        pl.Null: "longtext",
        pl.Datetime: "datetime",
        pl.Decimal: "decimal(18,4)",
        pl.Float64: "double",
    }

    def fitting(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame

    def _options(self) -> str:
        return " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"

    def _fill(self, connection: Connection, table: str, frame: pl.DataFrame) -> None:
        names = ", ".join(self.quote(name) for name in frame.columns)
        marks = ", ".join(["%s"] * frame.width)
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor:
            for rows in _rows(frame):
                cursor.executemany(f"INSERT INTO {self.quote(table)} ({names}) VALUES ({marks})", rows)


def _rows(frame: pl.DataFrame) -> Iterator[list[tuple[Any, ...]]]:
    for part in frame.iter_slices(5_000):
        yield part.rows()
