"""An append-only chain: each entry's hash covers the entry and the hash before it."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql("0004_audit.sql")
