"""Records that were purged leave no identity number behind in the ledger's keys."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    run_sql("0028_forgotten_records.sql")
