"""Rows of an exchange database that are known by their bytes, and when all of them are parsed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl
import pytest

from connectors.contract import Column, Server, Stream
from connectors.limits import LONGEST_FIELD
from connectors.protocols.base import Page, Pull
from connectors.protocols.exchange_db import ExchangeExtraction
from connectors.protocols.exchange_dialects import DIGEST
from connectors.protocols.exchange_rows import Register, page_of
from tests.known_records import Memory

COLUMNS = (Column("id", "bh", "string", "L1", primary_key=True, required=True), Column("value", "z", "string", "L1"))
STREAM = Stream("demo", "register", "register", "snapshot", COLUMNS, server_name="any")


@dataclass
class Database:
    """A dialect whose table is in memory."""

    rows_sent: list[bytes]
    names: tuple[str, ...] = ("bh", "z")
    driver_errors: tuple[type[Exception], ...] = ()
    asked: list[Register | None] = field(default_factory=list)

    def structure(self, engine: Any, name: str, schema: str | None) -> dict[str, str]:
        return dict.fromkeys(self.names, "text")

    def quote(self, identifier: str) -> str:
        return identifier

    def literal(self, value: str) -> str:
        return value

    def rows(
        self, engine: Any, table: Any, names: list[str], where: str, order: str, batch: int,
        kept: Register | None, *, digest: bool,
    ) -> Iterator[Page]:  # fmt: skip
        self.asked.append(kept)
        page = page_of(self.rows_sent, names, sum(map(len, self.rows_sent)), kept)
        yield replace(page, frame=page.frame.with_columns(pl.lit("d").alias(DIGEST))) if digest else page


def read(database: Database, memory: Memory | None, **server: Any) -> Page:
    pull = Pull(STREAM, Server("any", server), known=memory)
    (page,) = ExchangeExtraction(pull, None, database, nullcontext()).pages()  # type: ignore[arg-type]
    return page


def test_only_new_rows_are_parsed() -> None:
    memory = Memory()
    assert read(Database([b'"1","a"\n', b'"2",\n', b'"3",""\n']), memory).frame.rows() == [
        ("1", "a"), ("2", None), ("3", ""),
    ]  # fmt: skip
    memory.keep(1, 2)
    page = read(Database([b'"3",""\n', b'"2","b"\n', b'"2",\n']), memory)
    assert page.records is not None
    assert (page.rows, page.frame.rows()) == (3, [("2", "b")])
    assert page.records.found.at.tolist() == [2, -1, 1]
    assert page.records.parse(page.records.found.at >= 0).rows() == [("3", ""), ("2", None)]


def test_an_oversized_row_costs_itself_and_the_others_are_parsed() -> None:
    memory = Memory()
    read(Database([b'"1","a"\n']), memory)
    memory.keep(0)
    page = read(Database([b'"2","' + b"x" * (LONGEST_FIELD + 1) + b'"\n', b'"1","a"\n']), memory)
    assert page.records is None
    assert page.frame.rows() == [("1", "a")]
    assert [(bad.row_no, bad.reason) for bad in page.bad] == [(0, "oversized_field")]


@pytest.mark.parametrize(
    ("names", "server"),
    [
        (("bh", "z", "neu"), {}),  # a column that the contract does not know is reported by every load
        (("bh", "z", "flag"), {"acknowledge": {"column": "flag", "waiting": "0", "taken": "1"}}),  # to be marked
    ],
)
def test_rows_that_somebody_must_look_at_are_all_parsed(names: tuple[str, ...], server: dict[str, Any]) -> None:
    flagged = "acknowledge" in server
    database = Database([b'"1","a"\n' if flagged else b'"1","a","b"\n'], names)
    page = read(database, Memory(), **server)
    assert database.asked == [None]
    assert page.records is None and page.frame.height == 1


def test_of_a_stream_that_nobody_remembers_all_rows_are_parsed() -> None:
    database = Database([b'"1","a"\n'])
    assert read(database, None).records is None and database.asked == [None]
