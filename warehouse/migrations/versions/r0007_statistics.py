"""Statistics that the planner needs to join memberships."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_sql("0007_statistics.sql")
