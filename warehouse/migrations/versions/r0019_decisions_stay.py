"""A steward's decision is never changed: it can be revoked once, and nothing else."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_sql("0019_decisions_stay.sql")
