"""Incidents between persons are released without the hour of their report."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    run_sql("0026_event_without_clock.sql")
