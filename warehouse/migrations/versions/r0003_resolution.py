"""The identity ledger: keys for ever, memberships by run, decisions of stewards."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql("0003_resolution.sql")
