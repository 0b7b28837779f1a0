"""Queries by DuckDB in this process, within bounds of memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

MEMORY = "2GB"
"""DuckDB's bound; beyond it, it writes to disk."""


def database() -> Any:
    """A connection to an empty database in memory, to be closed by the caller."""
    import duckdb  # most commands need it not

    return duckdb.connect(":memory:", config={"memory_limit": MEMORY, "preserve_insertion_order": False})


def ask(query: str, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The rows of a query over `tables`, in no order."""
    opened = database()
    try:
        for name, table in tables.items():
            opened.register(name, table.to_arrow())
        found = pl.from_arrow(opened.sql(query).to_arrow_table())
    finally:
        opened.close()
    assert isinstance(found, pl.DataFrame)
    return found
