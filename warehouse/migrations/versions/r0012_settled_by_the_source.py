"""Held rows that their source has settled, notes of a load, fields that no contract describes."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_sql("0012_settled_by_the_source.sql")
