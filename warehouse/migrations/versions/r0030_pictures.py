"""Grids tell their border, and apps may see how old the hub's inputs are: what pictures are drawn from."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    run_sql("0030_pictures.sql")
