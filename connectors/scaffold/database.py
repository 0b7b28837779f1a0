"""A sample out of a table of an exchange database, read as intake reads it, with what the database knows of it."""

from __future__ import annotations

from contextlib import closing
from typing import Any, cast

import polars as pl

from connectors.contract import Server, Stream
from connectors.errors import ContractViolation
from connectors.protocols.base import Pull
from connectors.protocols.exchange_db import ExchangeExtraction, open_extraction
from connectors.scaffold.samples import SAMPLE_ROWS, Sample


def read_table(url: str, table: str) -> Sample:
    """The first rows of a table (`name` or `schema.name`), its SQL types and its primary key; nothing is marked.

    Raises IntakeError as a pull would; address and values never stand in its message.
    """
    from sqlalchemy import inspect

    stream = Stream(system="sample", name="rows", physical_name=table, load="snapshot", columns=())
    server = Server("exchange", {"protocol": "exchange_db", "endpoint": url})
    with open_extraction(Pull(stream, server, page_rows=SAMPLE_ROWS)) as extraction:
        with closing(cast(Any, extraction.pages())) as pages:
            page = next(pages, None)
        inspector = inspect(cast(ExchangeExtraction, extraction).engine)
        schema, _, name = table.rpartition(".")
        types = {str(c["name"]): str(c["type"]).upper() for c in inspector.get_columns(name, schema or None)}
        key = tuple(inspector.get_pk_constraint(name, schema or None)["constrained_columns"])
    frame = page.frame if page is not None else pl.DataFrame()
    if not frame.height:
        raise ContractViolation(f"the table {table} is empty", "Name one with at least one row")
    return Sample(frame, "exchange_db", table, types=types, key=key)
