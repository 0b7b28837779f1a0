"""Answers of look-up interfaces that stand, so that nobody is asked about on every pass."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    run_sql("0034_lookup_answers.sql")
