"""Connections of dbt to the warehouse that last as long as its threads.

dbt closes a thread's connection after each node and opens another for the next. Each
costs PostgreSQL a process and that process all that it knows of the tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbt.adapters.base.connections import BaseConnectionManager
    from dbt.adapters.contracts.connection import Connection


@contextmanager
def kept() -> Iterator[None]:
    """While this lasts, what a node leaves open is rolled back and its connection goes to the thread's next node.

    dbt itself closes all of them at the end of an invocation.
    """
    from dbt.adapters.postgres.connections import PostgresConnectionManager as Manager

    own = {name: Manager.__dict__.get(name) for name in ("open", "release")}

    def open_for_good(cls: type[Manager], connection: Connection) -> Connection:
        opened: Connection = own["open"].__func__(cls, connection)
        opened.handle.commit()  # the role was set in a transaction, which the first to roll back would undo
        return opened

    setattr(Manager, "open", classmethod(open_for_good))  # noqa: B010  # mypy forbids to assign a method
    setattr(Manager, "release", _roll_back)  # noqa: B010
    try:
        yield
    finally:
        for name, value in own.items():
            if value is None:
                delattr(Manager, name)
            else:
                setattr(Manager, name, value)


def _roll_back(manager: BaseConnectionManager) -> None:
    held = manager.get_if_exists()
    if held is None or held.state != "open":
        return
    try:
        held.handle.rollback()
        held.transaction_open = False
    except Exception:  # the server ended it: the next node asks for another
        manager.close(held)
