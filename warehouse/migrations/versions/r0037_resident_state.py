"""What is kept of residents between runs is written without the log, and indexed when it is there."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    run_sql("0037_resident_state.sql")
