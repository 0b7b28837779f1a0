"""A video platform: answers GB/T 28181 catalogue queries over SIP/UDP.

Every query is challenged (Digest, MD5); the catalogue goes out in MESSAGEs of a few items, a handful under way at a
time, each repeated until it is answered. Faults: dead and timeout (silence), bad_signature (credentials refused),
truncated (stops half way), duplicate_page (every message is sent twice as two messages), error_body (Result ERROR),
html_login (a body that is no XML), http_500 (503), reset (``times`` datagrams are lost), slow_drip (``seconds``
between messages).
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from typing import Any, Final, cast
from xml.sax.saxutils import escape

from simulator.faults import Faults
from simulator.servers.loop import ServerLoop
from simulator.servers.view import Lookup, StreamView

_SERVERS: Final = "3301990000200"
"""District, no industry, type 200 (a SIP server): seven digits follow (GB/T 28181, annex E)."""
ITEMS_PER_MESSAGE: Final = 4
"""So many items fit into a datagram that is not fragmented."""
UNDER_WAY: Final = 8
T1_SECONDS: Final = 0.5
TRIES: Final = 7

Address = tuple[str, int]


class Gb28181Platform:
    """Serves what the stream is at the time of the query; its columns are the elements of an Item (DeviceID…).

    `number` tells the platforms of a town apart: the platform's own id and the one that it gave the hub hold it.
    """

    def __init__(
        self, served: Lookup, faults: Faults, system: str, stream: str, *, number: int = 1, port: int = 0
    ) -> None:
        self.platform_id = f"{_SERVERS}{number:07d}"
        self.hub_id = f"{_SERVERS}9{number:06d}"
        self.faults = faults
        self.view = StreamView(system, stream, served, faults)
        self.system = system
        self.port = port
        self.password = secrets.token_urlsafe(12)
        self.queries = 0
        """Catalogue queries accepted so far."""
        self._loop = ServerLoop("gb28181-platform")
        self._transport: asyncio.DatagramTransport | None = None

    def start(self) -> None:
        self._loop.start()
        self._transport = self._loop.run(self._listen())
        self.port = self._transport.get_extra_info("sockname")[1]

    def stop(self) -> None:
        if self._transport is not None:
            self._loop.loop.call_soon_threadsafe(self._transport.close)
            self._transport = None
        self._loop.stop()

    def environment(self) -> dict[str, str]:
        name = self.system.upper()
        return {
            f"{name}_URL": f"sip://{self.platform_id}@127.0.0.1:{self.port}",
            f"{name}_USER": self.hub_id,
            f"{name}_PASSWORD": self.password,
        }

    async def _listen(self) -> asyncio.DatagramTransport:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Platform(self), ("127.0.0.1", self.port))
        return transport


class _Platform(asyncio.DatagramProtocol):
    def __init__(self, platform: Gb28181Platform) -> None:
        self._platform = platform
        self._id, self._hub_id = platform.platform_id, platform.hub_id
        self._transport: asyncio.DatagramTransport | None = None
        self._nonces: set[str] = set()
        self._answered: dict[tuple[str, str], asyncio.Event] = {}
        self._accepted: dict[tuple[str, str], bytes] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        for task in self._tasks:
            task.cancel()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        faults, system = self._platform.faults, self._platform.system
        if {"dead", "timeout"} & faults.active(system).keys() or faults.take(system, "reset") is not None:
            return
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("utf-8", "replace").split("\r\n")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        transaction = headers.get("call-id", ""), headers.get("cseq", "")
        if lines[0].startswith("SIP/2.0 "):
            if transaction in self._answered:
                self._answered[transaction].set()
        elif lines[0].startswith("MESSAGE "):
            if transaction not in self._accepted:  # a repeated query gets the same answer and no second catalogue
                self._accepted[transaction] = self._query(headers, lines[0].split(" ")[1], body, addr)
            self._send(self._accepted[transaction], addr)

    def _query(self, headers: dict[str, str], uri: str, body: bytes, address: Address) -> bytes:
        faults, system = self._platform.faults, self._platform.system
        if faults.take(system, "http_500") is not None:
            return self._answer(headers, "503 Service Unavailable")
        if not self._knows(headers.get("authorization", ""), uri):
            nonce = secrets.token_hex(16)
            self._nonces.add(nonce)
            challenge = f'Digest realm="{self._id[:10]}", nonce="{nonce}", algorithm=MD5, qop="auth"'
            return self._answer(headers, "401 Unauthorized", f"WWW-Authenticate: {challenge}")
        if faults.take(system, "bad_signature") is not None:
            return self._answer(headers, "403 Forbidden")
        text = body.decode("gb18030", "replace")
        serial = re.search(r"<SN>\s*(\d+)\s*</SN>", text)
        if "<CmdType>Catalog</CmdType>" not in text or serial is None or self._id not in text:
            return self._answer(headers, "400 Bad Request")
        self._platform.queries += 1
        task = asyncio.get_running_loop().create_task(self._catalogue(serial[1], address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return self._answer(headers, "200 OK")

    def _knows(self, authorization: str, uri: str) -> bool:
        given = dict(re.findall(r'(\w+)="?([^",\s]*)"?', authorization))
        if given.get("nonce") not in self._nonces or given.get("uri") != uri or given.get("username") != self._hub_id:
            return False

        def h(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        first = h(f"{self._hub_id}:{given.get('realm')}:{self._platform.password}")
        middle = f"{given['nonce']}:{given.get('nc')}:{given.get('cnonce')}:{given.get('qop')}"
        expected = h(f"{first}:{middle}:{h(f'MESSAGE:{uri}')}")
        return secrets.compare_digest(expected, given.get("response", ""))

    async def _catalogue(self, serial: str, address: Address) -> None:
        faults, system = self._platform.faults, self._platform.system
        rows = self._platform.view.rows().to_dicts()
        parts = [rows[start : start + ITEMS_PER_MESSAGE] for start in range(0, len(rows), ITEMS_PER_MESSAGE)] or [[]]
        bodies = [_response(self._id, serial, len(rows), part) for part in parts]
        if faults.take(system, "truncated") is not None:
            bodies = bodies[: len(bodies) // 2]
        if faults.take(system, "duplicate_page") is not None:
            bodies = [body for body in bodies for _ in range(2)]
        if faults.take(system, "error_body") is not None:
            bodies = [_response(self._id, serial, 0, [], "<Result>ERROR</Result>\r\n")]
        if faults.take(system, "html_login") is not None:
            bodies = [b"<html><body>please log in<br></body></html>"]
        drip = faults.take(system, "slow_drip")
        free = asyncio.Semaphore(UNDER_WAY)
        call = secrets.token_hex(8)

        async def one(number: int, body: bytes) -> None:
            async with free:
                if drip is not None:
                    await asyncio.sleep(float(drip.get("seconds", 1)))
                await self._deliver(f"{call}-{number}", body, address)

        await asyncio.gather(*(one(number, body) for number, body in enumerate(bodies)))

    async def _deliver(self, call_id: str, body: bytes, address: Address) -> None:
        """Send a MESSAGE until it is answered, or give up."""
        domain = self._id[:10]
        lines = [
            f"MESSAGE sip:{self._hub_id}@{address[0]}:{address[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self._platform.port};rport;branch=z9hG4bK{secrets.token_hex(8)}",
            f"From: <sip:{self._id}@{domain}>;tag={secrets.token_hex(4)}",
            f"To: <sip:{self._hub_id}@{domain}>",
            f"Call-ID: {call_id}",
            "CSeq: 1 MESSAGE",
            "Max-Forwards: 70",
            "Content-Type: Application/MANSCDP+xml",
            f"Content-Length: {len(body)}",
        ]
        datagram = "\r\n".join([*lines, "", ""]).encode() + body
        answered = self._answered[call_id, "1 MESSAGE"] = asyncio.Event()
        try:
            for attempt in range(TRIES):
                self._send(datagram, address)
                try:
                    await asyncio.wait_for(answered.wait(), min(T1_SECONDS * 2**attempt, 4))
                    return
                except TimeoutError:
                    continue
        finally:
            del self._answered[call_id, "1 MESSAGE"]

    def _send(self, datagram: bytes, address: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(datagram, address)

    def _answer(self, headers: dict[str, str], status: str, extra: str = "") -> bytes:
        names = {"via": "Via", "from": "From", "to": "To", "call-id": "Call-ID", "cseq": "CSeq"}
        lines = [f"SIP/2.0 {status}", *(f"{label}: {headers.get(name, '')}" for name, label in names.items())]
        return "\r\n".join([*lines, *([extra] if extra else []), "Content-Length: 0", "", ""]).encode()


def _response(platform_id: str, serial: str, total: int, rows: list[dict[str, Any]], result: str = "") -> bytes:
    """A Catalog response of some items, in GB2312 as the standard has it (GB18030 for what GB2312 lacks)."""
    items = "".join(
        "<Item>\r\n"
        + "".join(f"<{name}>{escape(str(value))}</{name}>\r\n" for name, value in row.items() if value is not None)
        + "</Item>\r\n"
        for row in rows
    )
    return (
        '<?xml version="1.0" encoding="GB2312"?>\r\n<Response>\r\n<CmdType>Catalog</CmdType>\r\n'
        f"<SN>{serial}</SN>\r\n<DeviceID>{platform_id}</DeviceID>\r\n{result}<SumNum>{total}</SumNum>\r\n"
        f'<DeviceList Num="{len(rows)}">\r\n{items}</DeviceList>\r\n</Response>\r\n'
    ).encode("gb18030")
