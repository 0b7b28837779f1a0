"""Publishing. All functions pin their settings: a caller's search_path or time zone must not change a hash or a table."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_sql("0006_release.sql")
