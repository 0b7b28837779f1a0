"""What apps learn of identities is what their products rest on."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    run_sql("0045_gated_crosswalk.sql")
