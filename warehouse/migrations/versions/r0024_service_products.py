"""The products of economy, party, service and overview."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run_sql("0024_service_products.sql")
