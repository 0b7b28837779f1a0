"""What held rows are about, and the products that tell what of them is held."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    run_sql("0027_held_references.sql")
