"""What the safety office plans with: inspections, the closing of hazards, premises without a code."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_sql("0021_safety_products.sql")
