"""Streams, loads, cursors, defects, holds; quarantine and inbox."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql("0002_intake.sql")
