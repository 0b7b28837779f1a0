"""What the tables of a chain of models were built from, and which rows of them a build makes anew."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    run_sql("0035_build_state.sql")
