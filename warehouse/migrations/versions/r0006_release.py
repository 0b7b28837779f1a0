"""Publishing: the function that alone decides what apps see."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_sql("0006_release.sql")
