"""One system's loopback port, and the ways in which what it sends can fail: shared by HTTP servers and relays."""

from __future__ import annotations

import socket
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from simulator.faults import Faults

_PIECES: Final = 100


class Port(ABC):
    """A port of one system from `start` to `stop`; the fault ``dead`` closes it, and clearing the fault reopens it.

    Once opened it keeps its number.
    """

    def __init__(self, system: str, faults: Faults) -> None:
        self.system = system
        self.faults = faults
        self.port = 0
        self._running = False
        self._lock = threading.RLock()
        faults.subscribe(self._follow)

    def start(self) -> None:
        with self._lock:
            self._running = True
            self._open()
            self._follow()

    def stop(self) -> None:
        with self._lock:
            self._running = False
            self._close()

    def _follow(self) -> None:
        """Open or close the port as the fault ``dead`` wants it."""
        with self._lock:
            dead = "dead" in self.faults.active(self.system)
            if self._running and not dead:
                self._open()
            elif dead:
                self._close()

    @abstractmethod
    def _open(self) -> None:
        """Listen, unless it does already; the first time on any free port, which goes into ``port``."""

    @abstractmethod
    def _close(self) -> None:
        """Stop listening and drop every connection."""


def reset_on_close(connection: socket.socket) -> None:
    """Have the peer see a reset connection instead of an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def drip(data: bytes, seconds: float, send: Callable[[bytes], object]) -> None:
    """Send ``data`` in a hundred pieces; each comes soon enough to keep a mere read timeout quiet."""
    piece = max(1, -(-len(data) // _PIECES))
    for start in range(0, len(data), piece):
        send(data[start : start + piece])
        time.sleep(seconds / _PIECES)
