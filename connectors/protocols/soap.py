"""SOAP 1.1 services that hand out records as a packed XML payload and want an answer to each batch.

``<physicalName>(since, page, pageSize)`` is asked for with a WS-Security username token (password digest). Its answer
holds base64(gzip(XML)) and declares how many records, pages and rows there are and the CRC-32 of the XML; all of it is
checked before a row is believed. The service is told *not OK* at once when a payload is damaged, and *OK* once the rows
are committed here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from connectors.errors import ContractViolation, IntakeError, Permanent, Retriable, Truncated
from connectors.formats import require_columns
from connectors.formats.xml_records import gunzip, local_name, parse, read_records
from connectors.protocols.base import Extraction, Page, Pull
from connectors.protocols.http import HttpSource
from connectors.protocols.paging import Answer, Reading, changed_since, refuse_empty

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SERVICE: Final = "urn:town:records:1"
WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
TOKEN: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"


def password_digest(nonce: bytes, created: str, password: str) -> str:
    """Base64(SHA-1(nonce + created + password)), as the OASIS Username Token Profile 1.0 defines it."""
    digest = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


@dataclass
class SoapExtraction:
    """One pull of one operation."""

    pull: Pull
    http: HttpSource
    state: dict[str, Any] = field(default_factory=dict)
    complete: bool = False

    def __post_init__(self) -> None:
        self._stream = self.pull.stream
        self._where = f"{self._stream.system}.{self._stream.name}"
        server = self.pull.server
        self._user, self._password = str(server.get("username", "")), str(server.get("password", ""))
        if not self._user or not self._password:
            raise Permanent(f"{self._where}: no user or password", "Add username and password to the contract's server")
        self._page_size = int(self._stream.source.get("pageSize", 2000))
        self._record = str(self._stream.source.get("record", "record"))
        self._batches: list[str] = []
        self._reading = Reading(self.pull, self._query)

    def pages(self) -> Iterator[Page]:
        """One page per answer; all of them again when the source moved meanwhile."""
        yield from self._reading.pages()
        self.complete = self._stream.load == "snapshot"

    def again(self) -> Iterator[Page]:
        """What a snapshot's first reading can have missed."""
        return self._reading.again()

    def acknowledge(self) -> None:
        """Tell the service that every batch arrived well."""
        for batch in self._batches:
            self._answer(batch, "OK")

    def _query(self, number: int) -> Answer:
        arguments = {"page": str(number), "pageSize": str(self._page_size)}
        since = changed_since(self.pull)
        if since is not None:
            arguments["since"] = since
        operation = self._stream.physical_name
        batch, answer = self.http.post(
            "",
            lambda body: self._open(self._body(body, f"{operation}Response"), number),
            body=lambda: self._envelope(operation, arguments),
            headers=_headers(operation),
            soap_faults=True,
        )
        self._batches.append(batch)
        return answer

    def _open(self, answer: Element, number: int) -> tuple[str, Answer]:
        """The service's id for a batch, and the page in it."""
        element = next((child for child in answer.iter() if local_name(child) == "batch"), None)
        if element is None:
            raise ContractViolation(
                f"{self._where}: the answer holds no batch", "Ask the owner whether the service changed"
            )
        declared = element.attrib
        try:
            batch, count, crc = declared["id"], int(declared["count"]), int(declared["crc32"], 16)
            total, pages = int(declared["total"]), int(declared["pages"])
        except (KeyError, ValueError):
            raise ContractViolation(
                f"{self._where}: the batch does not declare id, count, total, pages and crc32",
                "Ask the owner",
            ) from None
        first_row = (number - 1) * self._page_size
        try:
            page = self._unpack(element.text or "", count, crc, first_row)
        except IntakeError:
            # The first error is what matters; the service learns of it if it can be reached at all.
            with suppress(IntakeError):
                self._answer(batch, "NOTOK")
            raise
        refuse_empty(self._where, page, number, first_row, total)
        return batch, Answer(page, total, pages)

    def _unpack(self, text: str, count: int, crc: int, first_row: int) -> Page:
        try:
            packed = base64.b64decode("".join(text.split()), validate=True)
        except binascii.Error:
            raise Truncated(f"{self._where}: the payload is no whole base64", "The next run asks again") from None
        plain = gunzip(packed, self._where)
        if zlib.crc32(plain) != crc:
            raise Truncated(f"{self._where}: the payload's CRC-32 is not the declared one", "The next run asks again")
        page = read_records(plain, self._record, self._where, encoding=self.pull.server.encoding, first_row=first_row)
        got = page.frame.height + len(page.bad)
        if got != count:
            raise Truncated(f"{self._where}: {got} records and {count} declared", "The next run asks again")
        if page.frame.height:
            require_columns(self._stream, page.frame.columns)
        return page

    def _answer(self, batch: str, result: str) -> None:
        self.http.post(
            "",
            lambda body: self._body(body, "AcknowledgeResponse"),
            body=lambda: self._envelope("Acknowledge", {"batchId": batch, "result": result}),
            headers=_headers("Acknowledge"),
            soap_faults=True,
        )

    def _body(self, answer: bytes, expected: str) -> Element:
        """The one element in the answer's body; a SOAP fault becomes the error that it means."""
        try:
            root = parse(answer, self._where)
        except ContractViolation:
            if answer.rstrip().endswith(b"Envelope>"):
                raise
            raise Truncated(
                f"{self._where}: the answer ends before its envelope does", "The next run asks again"
            ) from None
        body = root.find(f"{{{ENVELOPE}}}Body")
        content = body[0] if body is not None and len(body) else None
        if content is None or local_name(root) != "Envelope":
            raise ContractViolation(f"{self._where}: the answer is no SOAP 1.1 envelope", "Check the service's address")
        if local_name(content) == "Fault":
            code = (content.findtext("faultcode") or "").rpartition(":")[2]
            if code in ("FailedAuthentication", "InvalidSecurity", "FailedCheck"):
                raise Permanent(f"{self._where}: the service refuses our credentials", "Check user, password and clock")
            if code.startswith("Server"):
                raise Retriable(f"{self._where}: the service reports a fault of its own", "The next run tries again")
            raise ContractViolation(f"{self._where}: the service reports the fault {code[:40]}", "Ask the owner")
        if local_name(content) != expected:
            raise ContractViolation(f"{self._where}: the service answered {local_name(content)[:60]}", "Ask the owner")
        return content

    def _envelope(self, operation: str, arguments: dict[str, str]) -> bytes:
        nonce, created = os.urandom(16), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        values = "".join(f"<t:{name}>{escape(value)}</t:{name}>" for name, value in arguments.items())
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{ENVELOPE}" xmlns:t="{SERVICE}"><s:Header>'
            f'<w:Security xmlns:w="{WSSE}" xmlns:u="{WSU}" s:mustUnderstand="1"><w:UsernameToken>'
            f"<w:Username>{escape(self._user)}</w:Username>"
            f'<w:Password Type="{TOKEN}#PasswordDigest">{password_digest(nonce, created, self._password)}</w:Password>'
            f"<w:Nonce>{base64.b64encode(nonce).decode()}</w:Nonce><u:Created>{created}</u:Created>"
            f"</w:UsernameToken></w:Security></s:Header>"
            f"<s:Body><t:{operation}>{values}</t:{operation}></s:Body></s:Envelope>"
        ).encode()


def _headers(operation: str) -> dict[str, str]:
    return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{SERVICE}/{operation}"'}


@contextmanager
def open_extraction(pull: Pull) -> Iterator[Extraction]:
    """Open the pull of one SOAP operation; see ``connectors.protocols.base``."""
    server = pull.server
    with HttpSource(
        pull.stream.system, server.endpoint, allowed_hosts=server.get("allowedHosts"), probing=pull.probing
    ) as http:
        yield SoapExtraction(pull, http)
