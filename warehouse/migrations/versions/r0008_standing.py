"""What stands while its inputs stay the same: contract checks and staging views."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_sql("0008_standing.sql")
