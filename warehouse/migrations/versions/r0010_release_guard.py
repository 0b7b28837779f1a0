"""Who may publish, and withdrawn releases."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_sql("0010_release_guard.sql")
