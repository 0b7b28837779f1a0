"""The twelve welfare policies, and their reconciliation with what was paid."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    run_sql("0022_welfare.sql")
