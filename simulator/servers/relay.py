"""A port of its own for each system that shares a database server, so that one of them can fail alone."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Final

from simulator.faults import Faults
from simulator.servers.port import Port, drip, reset_on_close

_CHUNK: Final = 256 * 1024


class Relay(Port):
    """Passes bytes between its loopback port and ``target``; honours dead, timeout, reset, truncated and slow_drip.

    The faults act on what flows to the client once ``after`` bytes (default 20,000: beyond login and table
    structure) have passed on a connection.
    """

    def __init__(self, system: str, target: tuple[str, int], faults: Faults) -> None:
        self.target = target
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        super().__init__(system, faults)

    def _open(self) -> None:
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
            self.port = self._listener.getsockname()[1]
            threading.Thread(
                target=self._accept, args=(self._listener,), name=f"relay-{self.system}", daemon=True
            ).start()

    def _close(self) -> None:
        if self._listener is not None:
            # A blocked accept() holds the port open until it is woken.
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.target, timeout=10)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._connections.add(end)
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, downstream: bool) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                if downstream and self._spoil(sink, data, passed):
                    break
                if not downstream or not self._dripping(sink, data, passed):
                    sink.sendall(data)
                passed += len(data)
        for end in (source, sink):
            self._connections.discard(end)
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _spoil(self, sink: socket.socket, data: bytes, passed: int) -> bool:
        """True when a fault ended the connection."""
        for fault in ("reset", "truncated", "timeout"):
            params = self.faults.active(self.system).get(fault)
            if params is None or passed + len(data) < int(params.get("after", 20_000)):
                continue
            taken = self.faults.take(self.system, fault) or {}
            if fault == "timeout":
                time.sleep(float(taken.get("seconds", 60)))
            else:
                sink.sendall(data[: len(data) // 2])
            if fault == "reset":
                reset_on_close(sink)
            return True
        return False

    def _dripping(self, sink: socket.socket, data: bytes, passed: int) -> bool:
        """Send ``data`` slowly, over the fault's seconds; False when the fault is off."""
        params = self.faults.active(self.system).get("slow_drip")
        if params is None or passed + len(data) < int(params.get("after", 20_000)):
            return False
        taken = self.faults.take(self.system, "slow_drip") or {}
        drip(data, float(taken.get("seconds", 60)), sink.sendall)
        return True
