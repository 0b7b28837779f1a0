"""What a stream is worth, to a build by what the build reads of it; one that is quiet for too long is not fresh."""

from __future__ import annotations

from warehouse.migrations import run_sql

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    run_sql("0038_input_as_built.sql")
