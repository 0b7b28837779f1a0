"""Alembic migrations. The statements are plain SQL in `sql/`; a revision runs one file."""

from __future__ import annotations

from pathlib import Path


def run_sql(name: str) -> None:
    """Run a file of statements on the migration's own connection.

    Straight through the driver: SQLAlchemy would read `:name` and `%` in function bodies as parameters.
    """
    from alembic import op

    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((Path(__file__).parent / "sql" / name).read_text(encoding="utf-8"))
