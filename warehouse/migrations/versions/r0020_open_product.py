"""One function opens a product, for every migration that brings one."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_sql("0020_open_product.sql")
