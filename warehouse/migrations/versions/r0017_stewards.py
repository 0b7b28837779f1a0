"""The ledger resolves keys to their end and gives them back; decisions and reviews say who, when and why."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0017"
down_revision = "0015"


def upgrade() -> None:
    run_sql("0017_stewards.sql")
