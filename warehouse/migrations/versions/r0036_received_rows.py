"""How rows of registers looked when they came, so that what comes again the same need not be judged again."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    run_sql("0036_received_rows.sql")
