"""A limit on how long a database may keep us waiting, also where its driver has none.

Drivers limit the time to connect, some the silence between two packets; none limits a trickle. The watchdog shuts the
sockets down when a step takes too long, which the driver then reports as a lost connection.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from typing import Self


class Watchdog:
    """``with watchdog:`` around each step that waits for the source; ``close`` when the source is closed."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def watch(self, descriptor: int) -> None:
        """Add a connection by its file descriptor (kept as a duplicate: the driver may close its own any time)."""
        with self._lock:
            self._sockets.append(socket.socket(fileno=os.dup(descriptor)))

    def __enter__(self) -> Self:
        self._timer = threading.Timer(self.seconds, self._bite)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def close(self) -> None:
        with self._lock:
            for connection in self._sockets:
                connection.close()
            self._sockets.clear()

    def _bite(self) -> None:
        with self._lock, suppress(OSError):
            for connection in self._sockets:
                connection.shutdown(socket.SHUT_RDWR)
