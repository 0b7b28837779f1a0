"""A release is proven by what it changes: what stands is not hashed once more with every release."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    run_sql("0046_proof_by_changes.sql")
