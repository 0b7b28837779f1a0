"""How long a stream's rows are kept, by the last contract of it that could be read."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_sql("0015_retention.sql")
