"""One system's HTTP server on its own loopback port, with the faults of the wire that all HTTP interfaces share."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from simulator.faults import Faults
from simulator.servers.port import Port, drip, reset_on_close

LOGIN_PAGE = "<!DOCTYPE html><html><head><title>统一身份认证</title></head><body>请登录</body></html>".encode()


@dataclass(frozen=True)
class Request:
    """What a handler gets: the path, query and form fields together, lower-case headers, the raw body."""

    path: str
    fields: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What a handler gives back. ``data`` is False for answers (tokens, say) that data faults must spare."""

    body: bytes
    content_type: str = "application/json;charset=UTF-8"
    status: int = 200
    data: bool = True
    headers: dict[str, str] = field(default_factory=dict)


class WireServer(Port):
    """Serves ``handle`` for one system until ``stop``."""

    def __init__(self, system: str, faults: Faults, handle: Callable[[Request], Reply]) -> None:
        self.handle = handle
        self._server: _Server | None = None
        super().__init__(system, faults)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _open(self) -> None:
        if self._server is None:
            self._server = _Server(("127.0.0.1", self.port), _Handler)
            self._server.owner = self
            self.port = self._server.server_address[1]
            threading.Thread(
                target=self._server.serve_forever,
                kwargs={"poll_interval": 0.05},
                name=f"http-{self.system}",
                daemon=True,
            ).start()

    def _close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.drop_connections()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: WireServer

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._open_sockets: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open_sockets.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open_sockets.discard(request)
        super().shutdown_request(request)

    def drop_connections(self) -> None:
        for connection in list(self._open_sockets):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "gateway"
    sys_version = ""

    def log_message(self, format: str, *args: Any) -> None:
        """Requests carry identity numbers: nothing is logged."""

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        fields = dict(parse_qsl(parts.query, keep_blank_values=True))
        if "form-urlencoded" in (self.headers.get("Content-Type") or ""):
            fields |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        owner = self.server.owner
        if self._refused(owner):
            return
        self._send(owner, owner.handle(Request(parts.path, fields, headers, body)))

    def _refused(self, owner: WireServer) -> bool:
        """Answer with a fault that needs no data; True when one did."""
        take = owner.faults.take
        if (fault := take(owner.system, "timeout")) is not None:
            time.sleep(float(fault.get("seconds", 60)))
            self.close_connection = True
        elif (fault := take(owner.system, "http_429")) is not None:
            self._write(Reply(b"{}", status=429, headers={"Retry-After": str(fault.get("retry_after", 1))}))
        elif take(owner.system, "http_500") is not None:
            self._write(Reply(b"Internal Server Error", "text/plain", 500))
        elif take(owner.system, "html_login") is not None:
            self._write(Reply(LOGIN_PAGE, "text/html;charset=UTF-8"))
        else:
            return False
        return True

    def _send(self, owner: WireServer, reply: Reply) -> None:
        take = owner.faults.take
        if reply.data and take(owner.system, "reset") is not None:
            self.wfile.write(self._head(reply) + reply.body[: len(reply.body) // 2])
            reset_on_close(self.connection)
            self.connection.close()
            self.close_connection = True
        elif reply.data and (fault := take(owner.system, "slow_drip")) is not None:
            self.wfile.write(self._head(reply))
            drip(reply.body, float(fault.get("seconds", 60)), self.wfile.write)
        else:
            self._write(reply)

    def _write(self, reply: Reply) -> None:
        self.wfile.write(self._head(reply) + reply.body)

    def _head(self, reply: Reply) -> bytes:
        lines = [
            f"HTTP/1.1 {reply.status} {'OK' if reply.status == 200 else 'Error'}",
            f"Content-Type: {reply.content_type}",
            f"Content-Length: {len(reply.body)}",
            *(f"{name}: {value}" for name, value in reply.headers.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()
