"""Alembic environment: the connection comes from `warehouse.migrate`, which holds the lock and the role."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="alembic_version",
    version_table_schema="control",
)
with context.begin_transaction():
    context.run_migrations()
