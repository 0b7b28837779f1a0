"""A contract suite's answer says for which day it was given: on a later one it holds for the rows that it looked at."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    run_sql("0032_judged_day.sql")
