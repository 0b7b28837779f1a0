"""A SOAP 1.1 service: the records of a query as base64(gzip(XML)), answered batch by batch."""

from __future__ import annotations

import base64
import gzip
import hashlib
import secrets
import threading
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

import defusedxml.ElementTree as SafeTree
import polars as pl

from simulator.faults import Faults
from simulator.interfaces import SoapOperation
from simulator.servers.view import Lookup, StreamView
from simulator.servers.wire import Reply, Request, WireServer

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SERVICE: Final = "urn:town:records:1"
CLOCK_SKEW_SECONDS: Final = 300


@dataclass
class _Operation:
    """One query operation with the batch that it answered last (plain XML, number of records)."""

    name: str
    view: StreamView
    last: tuple[bytes, int] | None = None


class SoapServer:
    """Serves the query operations of one system; checks WS-Security tokens and refuses a nonce that it has seen.

    ``operations``: stream → its operation. ``acknowledged`` holds the result that the hub gave for each batch id.
    """

    def __init__(self, served: Lookup, faults: Faults, system: str, operations: Mapping[str, SoapOperation]) -> None:
        self.system = system
        self.faults = faults
        self.acknowledged: dict[str, list[str]] = {}
        self._operations = {
            offer.operation: _Operation(offer.operation, StreamView(system, stream, served, faults))
            for stream, offer in operations.items()
        }
        self._user, self._password = f"hub-{secrets.token_hex(3)}", secrets.token_hex(16)
        self._wire = WireServer(system, faults, self._handle)
        self._nonces: dict[str, float] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        self._wire.start()

    def stop(self) -> None:
        self._wire.stop()

    def environment(self) -> dict[str, str]:
        prefix = self.system.upper()
        return {
            f"{prefix}_URL": f"{self._wire.url}/services/records",
            f"{prefix}_USER": self._user,
            f"{prefix}_PASSWORD": self._password,
        }

    def _handle(self, request: Request) -> Reply:
        try:
            root = SafeTree.fromstring(request.body, forbid_dtd=True)
        except (SafeTree.ParseError, ValueError):
            return _fault("Client", "no XML")
        if not self._authenticated(root):
            return _fault("wsse:FailedAuthentication", "the security token could not be authenticated")
        body = root.find(f"{{{ENVELOPE}}}Body")
        call = body[0] if body is not None and len(body) else None
        name = call.tag.rpartition("}")[2] if call is not None else ""
        arguments = {child.tag.rpartition("}")[2]: child.text or "" for child in call} if call is not None else {}
        if name == "Acknowledge":
            with self._lock:
                self.acknowledged.setdefault(arguments.get("batchId", ""), []).append(arguments.get("result", ""))
            return Reply(_envelope("<t:AcknowledgeResponse/>"), "text/xml; charset=utf-8", data=False)
        operation = self._operations.get(name)
        if operation is None:
            return _fault("Client", f"no operation {name}")
        if self.faults.take(self.system, "error_body", operation.view.stream) is not None:
            return _fault("Server", "系统繁忙")
        return self._query(operation, arguments)

    def _authenticated(self, root: Element) -> bool:
        found = {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in root.iter()}
        if "bad_signature" in self.faults.active(self.system) or found.get("Username") != self._user:
            return False
        try:
            nonce, created = base64.b64decode(found["Nonce"]), found["Created"]
            age = abs((datetime.now(UTC) - datetime.fromisoformat(created)).total_seconds())
        except (KeyError, ValueError):
            return False
        digest = hashlib.sha1(nonce + created.encode() + self._password.encode(), usedforsecurity=False).digest()
        right = secrets.compare_digest(base64.b64encode(digest).decode(), found.get("Password", ""))
        now = time.monotonic()
        with self._lock:
            self._nonces = {n: t for n, t in self._nonces.items() if now - t < 2 * CLOCK_SKEW_SECONDS}
            fresh = found["Nonce"] not in self._nonces
            self._nonces[found["Nonce"]] = now
        return right and fresh and age < CLOCK_SKEW_SECONDS

    def _query(self, operation: _Operation, arguments: dict[str, str]) -> Reply:
        def take(fault: str) -> dict[str, Any] | None:
            return self.faults.take(self.system, fault, operation.view.stream)

        rows = operation.view.rows(arguments.get("since", ""))
        size, number = max(1, int(arguments.get("pageSize") or 1000)), max(1, int(arguments.get("page") or 1))
        page = rows[(number - 1) * size : number * size]
        if page.height and take("empty_page") is not None:
            page = page.clear()
        plain, count = records_xml(page), page.height
        with self._lock:
            if number > 1 and operation.last and take("duplicate_page") is not None:
                plain, count = operation.last
            operation.last = (plain, count)
        crc = zlib.crc32(plain)
        mixed = take("mixed_encoding")
        if mixed is not None:
            plain = _mixed(plain, float(mixed.get("share", 0.1)))
            crc = zlib.crc32(plain)
        packed = gzip.compress(plain, 5)
        if take("truncated") is not None:
            packed = packed[: len(packed) // 2]
        batch = (
            f'<t:{operation.name}Response><t:batch id="{secrets.token_hex(8)}" count="{count}" page="{number}" '
            f'pages="{-(-rows.height // size) or 1}" total="{rows.height}" crc32="{crc:08x}" '
            f'encoding="gzip+base64">{base64.b64encode(packed).decode()}</t:batch></t:{operation.name}Response>'
        )
        return Reply(_envelope(batch), "text/xml; charset=utf-8")


def records_xml(rows: pl.DataFrame) -> bytes:
    """The rows as ``<records><record>…``; null values are left empty with ``xsi:nil``, controls dropped as XML must."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?><records xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">']
    clean = rows.with_columns(pl.col(pl.String).str.replace_all(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", ""))
    for row in clean.iter_rows(named=True):
        values = "".join(
            f'<{name} xsi:nil="true"/>' if value is None else f"<{name}>{escape(str(value))}</{name}>"
            for name, value in row.items()
        )
        parts.append(f"<record>{values}</record>")
    return ("".join(parts) + "</records>").encode()


def _mixed(plain: bytes, share: float) -> bytes:
    """A share of the records in GB18030 although the document says UTF-8."""
    every = max(1, round(1 / share))
    head, *records = plain.split(b"<record>")
    mixed = [r.decode().encode("gb18030") if i % every == 0 else r for i, r in enumerate(records)]
    return b"<record>".join([head, *mixed])


def _envelope(content: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{ENVELOPE}" xmlns:t="{SERVICE}">'
        f"<s:Body>{content}</s:Body></s:Envelope>"
    ).encode()


def _fault(code: str, text: str) -> Reply:
    """A SOAP 1.1 fault; it travels with HTTP 500."""
    prefixed = code if ":" in code else f"s:{code}"
    content = f"<s:Fault><faultcode>{prefixed}</faultcode><faultstring>{escape(text)}</faultstring></s:Fault>"
    return Reply(_envelope(content), "text/xml; charset=utf-8", 500, data=False)
