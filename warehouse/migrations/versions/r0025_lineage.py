"""From a released row down to what is behind it, and tickets back to the owner of a record."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    run_sql("0025_lineage.sql")
