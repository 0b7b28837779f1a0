"""GB/T 28181 catalogue query: which devices a video platform knows. Never streams, never pictures.

SIP over UDP with MANSCDP bodies (XML, GB2312). The hub sends a Catalog query as MESSAGE (with Digest credentials when
asked); the platform answers 200 and then sends the catalogue in MESSAGEs of a few items, each of which we answer.
UDP loses and repeats: requests are sent again (T1 500 ms, doubled), items are told apart by DeviceID, and the
catalogue counts only when all of the declared SumNum items are in.
"""

from __future__ import annotations

import random
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import polars as pl
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from connectors.contract import Server
from connectors.errors import ContractViolation, IntakeError, Permanent, Retriable, Truncated
from connectors.formats.layout import codec_of
from connectors.protocols import sip
from connectors.protocols.base import Page, Pull

T1_SECONDS = 0.5
T2_SECONDS: Final = 4.0
ANSWER_SECONDS = 32.0
"""Timer F of RFC 3261: so long a request is repeated."""
QUIET_SECONDS = 15.0
"""So long without a new item the platform has no more to say."""
TOTAL_SECONDS: Final = 900.0
MAX_ITEMS: Final = 1_000_000
RECEIVE_BUFFER: Final = 4 << 20

_DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]*\?>")


class CatalogueExtraction:
    """One query; the pages come when the catalogue is whole."""

    def __init__(self, pull: Pull, connection: socket.socket) -> None:
        self.state: dict[str, Any] = {}
        self.complete = False
        self._pull = pull
        self._socket = connection
        self._codec = codec_of(pull.server.encoding)
        self._client = _client(pull.server, connection)
        self._password = str(pull.server.get("password") or "")
        self._serial = str(random.randrange(1, 1_000_000_000))
        self._items: dict[str, dict[str, str | None]] = {}
        self._repeated = 0
        self._declared: int | None = None
        self._heard: set[tuple[str, str]] = set()
        self._bytes_in = 0

    def pages(self) -> Iterator[Page]:
        self._ask()
        self._collect()
        frame = self._frame()
        for part in frame.iter_slices(self._pull.page_rows):
            yield Page(part, (), self._bytes_in)
            self._bytes_in = 0
        self.complete = True

    def acknowledge(self) -> None:
        """Every message of the platform was answered when it came."""

    def _ask(self) -> None:
        """Send the query until it is accepted, with credentials when they are asked for."""
        body = (
            '<?xml version="1.0" encoding="GB2312"?>\r\n<Query>\r\n<CmdType>Catalog</CmdType>\r\n'
            f"<SN>{self._serial}</SN>\r\n<DeviceID>{self._client.server_id}</DeviceID>\r\n</Query>\r\n"
        ).encode()
        response = self._request(self._client.message(body))
        if response.status in (401, 407):
            response = self._request(self._client.message(body, self._credentials(response)))
        if 200 <= response.status < 300:
            return
        where = f"the platform {self._client.server_id}"
        if response.status in (401, 403, 407):
            raise Permanent(f"{where} refuses our credentials ({response.status})", "Ask the owner for valid ones")
        if response.status >= 500 or response.status in (408, 480, 486):
            raise Retriable(f"{where} answered {response.status}", "Tried again later")
        raise Permanent(f"{where} refuses the query ({response.status})", "Check the platform's ID with the owner")

    def _credentials(self, response: sip.SipMessage) -> sip.Header:
        proxy = response.status == 407
        challenge = response.header("proxy-authenticate" if proxy else "www-authenticate")
        given = sip.digest(challenge, "MESSAGE", self._client.uri, self._client.user, self._password)
        if given is None:
            raise Permanent(
                f"the platform {self._client.server_id} asks for credentials that the hub cannot make",
                "Ask the owner for Digest with MD5 or SHA-256",
            )
        return "Proxy-Authorization" if proxy else "Authorization", given

    def _request(self, datagram: bytes) -> sip.SipMessage:
        """Send, and send again after T1, 2·T1, 4·T1… until the final response comes."""
        sent = sip.parse(datagram)
        assert sent is not None
        wait, started = T1_SECONDS, time.monotonic()
        while time.monotonic() - started < ANSWER_SECONDS:
            self._send(datagram)
            until = min(time.monotonic() + wait, started + ANSWER_SECONDS)
            while (message := self._receive(until)) is not None:
                if message.method:
                    self._handle(message)
                elif message.transaction == sent.transaction and message.status >= 200:
                    return message
            wait = min(wait * 2, T2_SECONDS)
        raise Retriable(
            f"the platform {self._client.server_id} at {self._client.remote} does not answer", "Tried again later"
        )

    def _collect(self) -> None:
        """Answer and keep what the platform sends, until every declared item is in."""
        started = last = time.monotonic()
        count = len(self._items)
        while self._declared is None or len(self._items) < self._declared:
            until = min(last + QUIET_SECONDS, started + TOTAL_SECONDS)
            message = self._receive(until)
            if message is None:
                declared = "an unknown number of" if self._declared is None else self._declared
                repeated = f"; {self._repeated} came more than once" if self._repeated else ""
                raise Truncated(
                    f"the platform {self._client.server_id} sent {len(self._items)} of {declared} devices{repeated}",
                    "Nothing of it is taken; tried again later",
                )
            if message.method:
                self._handle(message)
            if len(self._items) > count:
                count, last = len(self._items), time.monotonic()
        self._linger()

    def _linger(self) -> None:
        """Answer repetitions of the last messages, whose answers may have been lost."""
        until = time.monotonic() + T1_SECONDS
        while (message := self._receive(until)) is not None:
            if message.method:
                self._send(sip.answer(message, 200, "OK"))

    def _handle(self, message: sip.SipMessage) -> None:
        """A request of the platform: answered always, read once."""
        if message.method != "MESSAGE":
            self._send(sip.answer(message, 405, "Method Not Allowed"))
            return
        self._send(sip.answer(message, 200, "OK"))
        if message.transaction in self._heard:
            return
        self._heard.add(message.transaction)
        self._bytes_in += len(message.body)
        # A byte that does not decode becomes U+FFFD, which conform rejects for the item it stands in.
        text = _DECLARATION.sub("", message.body.decode(self._codec, "replace"))
        try:
            root = ElementTree.fromstring(text, forbid_dtd=True)
        except (ElementTree.ParseError, DefusedXmlException) as error:
            raise ContractViolation(
                f"the platform {self._client.server_id} sent XML that cannot be read ({type(error).__name__})",
                "Nothing of the catalogue is taken; ask the owner",
            ) from None
        if root.tag == "Response" and _text(root, "CmdType") == "Catalog" and _text(root, "SN") == self._serial:
            try:
                self._take(root)
            except RecursionError:
                raise ContractViolation(
                    f"the platform {self._client.server_id} sent items that are nested too deeply",
                    "Nothing of the catalogue is taken; ask the owner",
                ) from None

    def _take(self, root: Any) -> None:
        if (_text(root, "Result") or "OK").upper() == "ERROR":
            raise Retriable(f"the platform {self._client.server_id} could not make its catalogue", "Tried again later")
        declared = _text(root, "SumNum") or ""
        if not declared.isdecimal() or int(declared) > MAX_ITEMS:
            raise ContractViolation(
                f"the platform {self._client.server_id} declares no usable SumNum", "Ask the owner; nothing was taken"
            )
        self._declared = int(declared)
        for item in root.iterfind("DeviceList/Item"):
            record = dict(_leaves(item, ""))
            device = record.get("DeviceID") or f"without-id-{len(self._items)}"
            self._repeated += device in self._items
            self._items.setdefault(device, record)

    def _frame(self) -> pl.DataFrame:
        """All items as String columns; an element that no item has is null where the contract does not require it."""
        records = list(self._items.values())
        columns = self._pull.stream.columns
        names = dict.fromkeys(name for record in records for name in record)
        for column in columns:
            if not column.required or not records:
                names.setdefault(column.physical_name)
        values = {name: [record.get(name) for record in records] for name in names}
        return pl.DataFrame(values, schema=dict.fromkeys(names, pl.String))

    def _send(self, datagram: bytes) -> None:
        try:
            self._socket.send(datagram)
        except OSError as error:
            raise self._unreachable(error) from error

    def _receive(self, until: float) -> sip.SipMessage | None:
        """The next SIP message before `until` (monotonic seconds), or None."""
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                datagram = self._socket.recv(65_535)
            except TimeoutError:
                return None
            except OSError as error:
                raise self._unreachable(error) from error
            message = sip.parse(datagram)
            if message is not None:
                return message
        return None

    def _unreachable(self, error: OSError) -> IntakeError:
        return Retriable(
            f"the platform at {self._client.remote} cannot be reached ({type(error).__name__})", "Tried again later"
        )


@contextmanager
def open_extraction(pull: Pull) -> Iterator[CatalogueExtraction]:
    """Open a UDP socket that hears nobody but the platform of `sip://<20-digit id>@host:port`."""
    parts = urlsplit(pull.server.endpoint)
    if parts.scheme != "sip" or not parts.hostname or not parts.username:
        raise Permanent(
            f"the endpoint of server {pull.server.name} is no SIP address",
            "Write sip://<20-digit platform id>@host:port",
        )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        try:
            connection.connect((parts.hostname, parts.port or 5060))
        except OSError as error:
            reason = f"{parts.hostname} cannot be reached ({type(error).__name__})"
            raise Retriable(reason, "Tried again later") from error
        yield CatalogueExtraction(pull, connection)


def _client(server: Server, connection: socket.socket) -> sip.Client:
    server_id = unquote(urlsplit(server.endpoint).username or "")
    user = str(server.get("username") or "")
    if not user:
        raise Permanent(f"server {server.name} has no username", "Set it to the hub's own 20-digit SIP id")
    remote, local = connection.getpeername(), connection.getsockname()
    # GB/T 28181: the SIP domain is the first ten digits of the platform's id.
    return sip.Client(user, server_id, f"{remote[0]}:{remote[1]}", f"{local[0]}:{local[1]}", server_id[:10])


def _text(root: Any, name: str) -> str | None:
    found = root.findtext(name)
    return found.strip() if found is not None else None


def _leaves(element: Any, prefix: str) -> Iterator[tuple[str, str | None]]:
    """Child elements as (name, text); grandchildren as `Parent/Child`."""
    for child in element:
        if len(child):
            yield from _leaves(child, f"{prefix}{child.tag}/")
        else:
            yield prefix + child.tag, (child.text or "").strip() or None
