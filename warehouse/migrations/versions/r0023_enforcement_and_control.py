"""Products of the families enforcement (智慧执法, 邻里E家) and control (智慧防控)."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    run_sql("0023_enforcement_and_control.sql")
