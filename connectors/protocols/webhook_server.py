"""The webhook receiver as a server in a thread of this process, on loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping

import psycopg
import uvicorn

from connectors.contract import Contract
from connectors.errors import Permanent
from connectors.protocols.webhook_receiver import Connect, receiver_app
from warehouse import connection

START_SECONDS = 15.0


def _loader() -> psycopg.Connection:
    return connection.connect("loader", autocommit=True, application_name="townhub-webhook")


class Receiver:
    """`start()` binds 127.0.0.1 (port 0: any free one; see `url`), `stop()` ends it after open deliveries.

    Without `contracts` it follows the files of the folder in use. `identity`: what it tells who asks whose it is.
    """

    def __init__(
        self,
        port: int = 0,
        contracts: Mapping[str, Contract] | None = None,
        connect: Connect | None = None,
        identity: str = "",
    ) -> None:
        self.port = port
        self._contracts = contracts
        self._connect = connect or _loader
        self._identity = identity
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Base address to tell the upstream systems; a hook is `<url>/hooks/<system>`."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", self.port))
        except OSError as error:
            listener.close()
            raise Permanent(f"port {self.port} is taken", "Give the webhook receiver another port") from error
        self.port = listener.getsockname()[1]
        app = receiver_app(self._contracts, self._connect, self._identity)
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="webhook-receiver", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise Permanent("the webhook receiver did not start", "See the log above for its reason")
            time.sleep(0.01)

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(15)
            self._server = self._thread = None
