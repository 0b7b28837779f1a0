"""What a run of resolution over changes alone reads instead of all records."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    run_sql("0029_resident_changes.sql")
