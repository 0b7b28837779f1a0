"""Hashes of rows that need no text and no order; a release is proven once, on the rows that apps see."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    run_sql("0033_order_free_hashes.sql")
