"""Apps look up whom a record of theirs belongs to, and what became of a key that they hold."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_sql("0018_crosswalk.sql")
