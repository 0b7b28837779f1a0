"""Counts of held rows for the models."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_sql("0011_held_rows.sql")
