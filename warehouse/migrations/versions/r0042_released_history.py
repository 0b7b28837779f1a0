"""Released rows have an end: a retention of their family, and that of the person whom they are about."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0042"
down_revision = "0039"


def upgrade() -> None:
    run_sql("0042_released_history.sql")
