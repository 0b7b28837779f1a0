"""What a load tells of its source, and held rows by record."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_sql("0009_intake_truth.sql")
