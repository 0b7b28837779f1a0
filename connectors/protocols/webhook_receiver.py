"""The receiver that upstream systems push signed deliveries to.

A delivery is `POST /hooks/<system>` (or `/hooks/<system>/<physicalName>` where a system pushes several streams)
with a JSON object or an array of at most 500 as its body and three headers: `X-Timestamp` (epoch milliseconds),
`X-Nonce`, and `X-Signature` = base64(HMAC-SHA256(secret, hook + "\\n" + timestamp + "\\n" + nonce + "\\n" + body)). The
hook is the path as it stands above, not percent-encoded and without what a proxy puts before it: one secret serves all
hooks of a system, and a delivery is for one of them. Nothing of the body is parsed before the signature is verified;
nothing is answered with 200 before it is committed to the inbox.
The nonce names the delivery: sent again, after a lost answer or by an eavesdropper, it is answered with 409.
What the hub can only take later (no inbox, no secret, a broken contract) is answered with 503 and Retry-After: to 404
senders give up. `GET /receiver` tells whose receiver this is: a port may be anybody's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

import orjson
import psycopg
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from connectors import inbox
from connectors.contract import Contract, Server, Stream
from connectors.contract_folder import load_contracts, mistakes
from connectors.errors import Permanent
from connectors.variables import resolve_server
from warehouse import connection
from warehouse.settings import ConfigurationError

LOG = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 1 << 20
MAX_EVENTS: Final = 500
CLOCK_SECONDS: Final = 600
RETRY_SECONDS: Final = 60
"""When to deliver again what waits for a person: a contract or a secret."""

_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_TIMESTAMP: Final = re.compile(r"[0-9]{13}")

Connect = Callable[[], psycopg.Connection]


class Refused(Exception):
    """A delivery that is not taken: HTTP status and what to tell the sender."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else None


class Hooks:
    """Which stream a hook delivers to: by the contracts given, or by those of the folder in use as they are now."""

    def __init__(self, contracts: Mapping[str, Contract] | None) -> None:
        self._given = contracts
        self._lock = threading.Lock()

    def __call__(self, system: str, physical_name: str | None) -> tuple[Stream, Server]:
        """Raises Refused: 503 where the contract is broken, 404 where there is no such hook."""
        contract = self._contract(system)
        streams = [
            (stream, contract.server_of(stream))
            for stream in (contract.streams.values() if contract and contract.enabled else ())
            if contract
            and contract.server_of(stream).protocol == "webhook"
            and physical_name in (None, stream.physical_name)
        ]
        if len(streams) != 1:
            raise Refused(404, "no such hook")
        return streams[0]

    def _contract(self, system: str) -> Contract | None:
        if self._given is not None:
            return self._given.get(system)
        with self._lock:  # changed files are read once, not by every delivery that waits
            try:
                contract = load_contracts().get(system)
                broken = contract is None and bool(mistakes(system))
            except ConfigurationError:
                broken = True
        if broken:
            raise Refused(503, "the hub cannot read the contract of this system now; deliver again")
        return contract


class Store:
    """One connection to the inbox, opened when needed, shared by the receiver's threads one at a time."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._conn: psycopg.Connection | None = None

    def __call__(self, stream: Stream, delivery: inbox.Delivery) -> bool:
        """Commit a delivery; False when it was there already. Raises psycopg.OperationalError when it cannot."""
        with self._lock:
            for last in (False, True):
                try:
                    if self._conn is None or self._conn.closed:
                        self._conn = self._connect()
                    with self._conn.transaction():
                        return inbox.store(self._conn, stream, [delivery]) > 0
                except psycopg.OperationalError:
                    self._close()  # a connection lost since the last delivery is worth one more try
                    if last:
                        raise
        raise AssertionError("the last try returns or raises")

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None


def receiver_app(contracts: Mapping[str, Contract] | None, connect: Connect, identity: str = "") -> Starlette:
    """The ASGI application that takes deliveries for every enabled contract with a webhook server.

    Without `contracts` it follows the files of the folder in use: a contract that is mended or added needs no restart.
    Secrets are resolved at each delivery, so that one missing variable does not stop the other systems.
    """
    hooks, store = Hooks(contracts), Store(connect)

    async def receive(request: Request) -> JSONResponse:
        system, name = request.path_params["system"], request.path_params.get("stream")
        try:
            stream, server = await run_in_threadpool(hooks, system, name)
            body = await _body(request)
            nonce = verify(_secret(server), hook_path(system, name), request.headers, body)
            events = _events(body)
            headers = {"timestamp": request.headers["x-timestamp"], "nonce": nonce}
            if not await run_in_threadpool(store, stream, (nonce, body, headers)):
                raise Refused(409, "this nonce was delivered before")
        except Refused as refusal:
            LOG.warning("webhook delivery for %s refused with %d: %s", system[:64], refusal.status, refusal)
            return JSONResponse({"error": str(refusal)}, refusal.status, refusal.headers)
        except (psycopg.OperationalError, connection.WarehouseError) as error:
            LOG.error("webhook delivery for %s not stored: %s", system, type(error).__name__)
            return JSONResponse({"error": "the inbox cannot be reached; deliver again"}, 503, {"Retry-After": "5"})
        return JSONResponse({"stored": events})

    async def tell(request: Request) -> JSONResponse:
        return JSONResponse({"receiver": identity})

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        store.close()

    routes = [
        Route("/receiver", tell, methods=["GET"]),
        Route("/hooks/{system}", receive, methods=["POST"]),
        Route("/hooks/{system}/{stream}", receive, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def hook_path(system: str, physical_name: str | None = None) -> str:
    """What a delivery is addressed to, as it is signed."""
    return f"/hooks/{system}" if physical_name is None else f"/hooks/{system}/{physical_name}"


def sign(secret: str, hook: str, timestamp: str, nonce: str, body: bytes) -> str:
    """The value of `X-Signature`."""
    message = f"{hook}\n{timestamp}\n{nonce}\n".encode() + body
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def verify(secret: str, hook: str, headers: Mapping[str, str], body: bytes) -> str:
    """The nonce of a delivery whose signature and time are right for this hook; raises Refused (401) for any other."""
    timestamp, nonce = headers.get("x-timestamp", ""), headers.get("x-nonce", "")
    if not _TIMESTAMP.fullmatch(timestamp) or not _NONCE.fullmatch(nonce):
        raise Refused(401, "X-Timestamp (13 digits) and X-Nonce (8 to 64 of A-Z a-z 0-9 _ -) are needed")
    given = headers.get("x-signature", "").encode("utf-8", "replace")
    if not hmac.compare_digest(given, sign(secret, hook, timestamp, nonce, body).encode()):
        raise Refused(401, "the signature is wrong")
    if abs(time.time() - int(timestamp) / 1000) > CLOCK_SECONDS:
        raise Refused(401, f"the timestamp is more than {CLOCK_SECONDS // 60} minutes off")
    return nonce


def _secret(server: Server) -> str:
    try:
        secret = str(resolve_server(server).get("secret") or "")
    except Permanent:
        secret = ""
    if not secret:
        raise Refused(503, "this hook has no secret yet")
    return secret


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise Refused(413, f"more than {MAX_BODY_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)


def _events(body: bytes) -> int:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(400, "the body is no JSON") from None
    events = value if isinstance(value, list) else [value]
    if not 1 <= len(events) <= MAX_EVENTS or not all(isinstance(event, dict) for event in events):
        raise Refused(400, f"the body must be a JSON object or an array of 1 to {MAX_EVENTS}")
    return len(events)
