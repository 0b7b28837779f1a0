"""What a run of events by changes needs: what the last run kept of the records, and what it knows of the town."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    run_sql("0031_event_changes.sql")
