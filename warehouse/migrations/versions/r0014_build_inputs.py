"""How far each stream had been taken in when the build under way began."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_sql("0014_build_inputs.sql")
