"""The schemas of the six steps. Runs as townhub_owner, who owns them all."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql("0001_schemas.sql")
