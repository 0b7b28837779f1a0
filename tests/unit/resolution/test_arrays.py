"""Columns reach PostgreSQL as arrays with every sign that they have."""

from __future__ import annotations

import polars as pl
import psycopg
import pytest

from resolution.arrays import array


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (['a"b', "a\\b", "{x}", "NULL", None, "", "王伟", "a,b", " pad ", '\\"', "two\nlines"], "text"),
        ([1, None, -(2**63)], "bigint"),
        ([True, None, False], "boolean"),
        ([], "text"),
    ],
)
def test_what_is_written_is_what_is_read(fresh_database: str, values: list[object], kind: str) -> None:
    column = pl.Series(values, dtype=pl.String if kind == "text" else None)
    with psycopg.connect(fresh_database) as conn:
        row = conn.execute(f"SELECT %s::{kind}[]".encode(), [array(column)]).fetchone()
    assert row == (values,)
