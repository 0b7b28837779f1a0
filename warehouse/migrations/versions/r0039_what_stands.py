"""Records that stand, whatever their age, are no matter of retention."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    run_sql("0039_what_stands.sql")
