"""A role that nobody wears writes what apps see."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_sql("0013_releaser.sql")
