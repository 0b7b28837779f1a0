"""Columns as PostgreSQL writes arrays: of many values quicker than psycopg's way with lists of them."""

from __future__ import annotations

import polars as pl


def array(values: pl.Series) -> str:
    """Numbers, truths or texts as the text of an array, to be cast where it is used (`%s::text[]`)."""
    texts = values.cast(pl.String)
    if not (values.dtype.is_numeric() or values.dtype == pl.Boolean):
        escaped = texts.str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
        texts = '"' + escaped + '"'
    return "{" + ",".join(texts.fill_null("NULL").to_list()) + "}"
