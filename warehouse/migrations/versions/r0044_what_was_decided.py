"""What stewards decided holds on, whatever becomes of the records that they named."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    run_sql("0044_what_was_decided.sql")
