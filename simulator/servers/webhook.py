"""The pushing side of a webhook: an outbox that is delivered in signed batches until the hub has taken it.

As real senders do, it tries again with growing pauses until it hears 2xx; a batch keeps its nonce over its tries, so
that an answer lost on the way does not make a second delivery (409 then means: the hub has it).

Faults: dead (nothing is sent), bad_signature, truncated (the body is cut after signing), duplicate_page (a batch is
delivered twice under two nonces), error_body (the batch is followed by one that is no JSON). What the hub calls
malformed or too large (400, 413) is sent again event by event; an event refused alone is given up and counted.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

import httpx
import orjson

from simulator.faults import Faults

MAX_BATCH_BYTES: Final = 900_000
"""The hub takes no body above 1 MiB."""

TAKEN: Final = "taken"
REFUSED: Final = "refused"


class WebhookPusher:
    """Delivers the events of one system to `<url>/hooks/<system>`, or `…/<system>/<hook>` where they have a hook.

    `url` is the hub's base address (TOWNHUB_WEBHOOK_URL) and may be set later: events wait until then.
    """

    def __init__(
        self, faults: Faults, system: str, url: str | None = None, secret: str | None = None,
        batch: int = 200, pause: tuple[float, float] = (0.2, 5.0),
    ) -> None:  # fmt: skip
        self.url = url
        self.secret = secret or secrets.token_urlsafe(24)
        self.system = system
        self.faults = faults
        self._batch = batch
        self._pause = pause
        self._outbox: deque[tuple[str, dict[str, Any]]] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.last_status: int | None = None
        """HTTP status of the last try, None when the hub could not be reached."""
        self.refused = 0
        """Events that the hub will not take (400, 413) and that were given up."""

    def start(self) -> None:
        self._stopping = False
        self._thread = threading.Thread(target=self._deliver, name=f"webhook-{self.system}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(15)
            self._thread = None

    def environment(self) -> dict[str, str]:
        return {f"{self.system.upper()}_SECRET": self.secret}

    @property
    def pending(self) -> int:
        """Events that the hub has not yet taken."""
        with self._changed:
            return len(self._outbox)

    def push(self, events: Iterable[dict[str, Any]], hook: str = "") -> None:
        """Put events (JSON-able, in the order of their happening) into the outbox."""
        with self._changed:
            self._outbox.extend((hook, event) for event in events)
            self._changed.notify_all()

    def _deliver(self) -> None:
        pause, single = self._pause[0], 0
        with httpx.Client(timeout=30, trust_env=False) as client:
            while True:
                with self._changed:
                    while not self._stopping and not self._outbox:
                        self._changed.wait()
                    if self._stopping:
                        return
                    hook, count, body = self._next_batch(1 if single else self._batch)
                single = max(0, single - 1)
                nonce = secrets.token_hex(16)
                while not (settled := self._post(client, hook, nonce, body)):
                    with self._changed:
                        if self._changed.wait_for(lambda: self._stopping, pause):
                            return
                    pause = min(pause * 2, self._pause[1])
                pause = self._pause[0]
                if settled == REFUSED and count > 1:
                    single = count
                    continue
                with self._changed:
                    self.refused += settled == REFUSED
                    for _ in range(count):
                        self._outbox.popleft()

    def _next_batch(self, most: int) -> tuple[str, int, bytes]:
        """The first events of the outbox as one body, with their hook and number.

        At most `most`, all of one hook, and no more bytes than the hub takes.
        """
        parts: list[bytes] = []
        size, wanted = 0, self._outbox[0][0]
        for hook, event in self._outbox:
            part = orjson.dumps(event)
            if parts and (len(parts) == most or hook != wanted or size + len(part) > MAX_BATCH_BYTES):
                break
            parts.append(part)
            size += len(part) + 1
        return wanted, len(parts), b"[" + b",".join(parts) + b"]"

    def _post(self, client: httpx.Client, hook: str, nonce: str, body: bytes) -> str:
        """One try: TAKEN, REFUSED, or nothing when it is to be tried again."""
        if self.url is None or "dead" in self.faults.active(self.system):
            return ""
        wrong = self.faults.take(self.system, "bad_signature") is not None
        cut = self.faults.take(self.system, "truncated") is not None
        status = self._send(client, hook, nonce, body, secret="wrong" if wrong else self.secret, cut=cut)
        self.last_status = status
        if status in (400, 413):
            return REFUSED
        if status is None or not (status == 409 or 200 <= status < 300):
            return ""
        if self.faults.take(self.system, "duplicate_page") is not None:
            self._send(client, hook, secrets.token_hex(16), body, secret=self.secret)
        if self.faults.take(self.system, "error_body") is not None:
            self._send(client, hook, secrets.token_hex(16), b"<html>gateway error</html>", secret=self.secret)
        return TAKEN

    def _send(
        self, client: httpx.Client, hook: str, nonce: str, body: bytes, *, secret: str, cut: bool = False
    ) -> int | None:
        timestamp = str(time.time_ns() // 1_000_000)
        address = f"/hooks/{self.system}/{hook}" if hook else f"/hooks/{self.system}"
        message = f"{address}\n{timestamp}\n{nonce}\n".encode() + body
        signature = base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()
        headers = {
            "Content-Type": "application/json",
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Signature": signature,
        }
        content = body[: len(body) // 2] if cut else body
        try:
            return client.post(f"{self.url}{quote(address)}", content=content, headers=headers).status_code
        except httpx.HTTPError:
            return None
