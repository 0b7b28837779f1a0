"""Connections of one role that are used again: opening one costs both sides more than most loads ask of it.

A new session of PostgreSQL proves who it is and reads the catalogues of every table that it meets. A pass lands and
judges every stream, most of them with a few rows, so those that are done leave their sessions to those to come.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Self

import psycopg

from warehouse import connection


class Lender:
    """Lends connections that act as townhub_<role>; may be asked from any thread. Close it, or use it in a `with`."""

    def __init__(self, role: connection.Role) -> None:
        self._role = role
        self._guard = threading.Lock()
        self._idle: list[psycopg.Connection] = []
        self._closed = False
        self._numbers = count()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @contextmanager
    def connect(self, *, autocommit: bool = False) -> Iterator[psycopg.Connection]:
        """A connection as that of `connection.connect`, with the same errors; committed at the end, unless one comes.

        Nothing that its last user left in the session is there any more: locks, settings, temporary tables.
        """
        lent = self._kept() or connection.connect(self._role)
        try:
            lent.autocommit = autocommit
            yield lent
            if lent.closed:  # its user has met that, and knows what became of it
                return
            lent.commit()
        except BaseException:
            lent.close()
            raise
        self._take_back(lent)

    def close(self) -> None:
        """End what is idle now; what is lent ends when it comes back."""
        with self._guard:
            self._closed, idle, self._idle = True, self._idle, []
        for one in idle:
            one.close()

    def _kept(self) -> psycopg.Connection | None:
        """One that is idle, still has its session, and its role in it.

        A server that was started again has forgotten all of them, and one of before November 2024 the role of each.
        """
        while True:
            with self._guard:
                if not self._idle:
                    return None
                one = self._idle.pop()
            try:
                acting = one.execute("SELECT current_user").fetchone()
            except psycopg.OperationalError:
                acting = None
            if acting == (f"townhub_{self._role}",):
                return one
            one.close()

    def _take_back(self, lent: psycopg.Connection) -> None:
        try:
            lent.autocommit = True
            # psycopg forgets what it prepared in the session if it has not seen this very text before.
            lent.execute(f"DISCARD ALL -- {next(self._numbers)}".encode())
        except psycopg.Error:
            lent.close()
            return
        with self._guard:
            if not self._closed:
                self._idle.append(lent)
                return
        lent.close()
