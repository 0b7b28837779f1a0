"""A source that answers and brings nothing new for too long is not fresh."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    run_sql("0040_quiet_streams.sql")
