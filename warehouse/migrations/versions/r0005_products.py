"""What is published: the products, their released rows, and what each candidate and release is."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_sql("0005_products.sql")
