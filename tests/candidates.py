"""Candidate tables of a family's products that a test asks nothing of: without rows, in the shape of the released."""

from __future__ import annotations

import psycopg

from warehouse.grants import PRODUCTS


def empty_candidates(builder: psycopg.Connection, family: str, *, but: frozenset[str]) -> None:
    """Every product of the family but those that the test makes itself (role builder)."""
    for product in set(PRODUCTS[family]) - but:
        shape = builder.execute(
            "SELECT string_agg(format('%%I %%s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)"
            " FROM pg_attribute WHERE attrelid = format('released.%%I', %s::text)::regclass AND attnum > 0"
            " AND attname NOT IN ('from_release', 'to_release')",
            [product],
        ).fetchone()
        assert shape is not None
        builder.execute(f"CREATE TABLE IF NOT EXISTS candidate.{product} ({shape[0]})".encode())
