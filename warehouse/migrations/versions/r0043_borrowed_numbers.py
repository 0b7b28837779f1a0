"""Memberships say whose identity number resolution set aside, and the warehouse which records wait for a steward."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    run_sql("0043_borrowed_numbers.sql")
