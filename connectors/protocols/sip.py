"""As much of SIP (RFC 3261) and Digest (RFC 2617) as asking for a catalogue needs: messages in and out over UDP."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

_COMPACT: Final = {"v": "via", "f": "from", "t": "to", "i": "call-id", "l": "content-length", "c": "content-type"}
_PARAMETER: Final = re.compile(r'([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))')
_HASHES: Final = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}

Header = tuple[str, str]


@dataclass(frozen=True)
class SipMessage:
    """A request (`method`, `uri`) or a response (`status`, `reason`); header names in lower case, in order."""

    headers: tuple[Header, ...]
    body: bytes = b""
    method: str = ""
    uri: str = ""
    status: int = 0
    reason: str = ""

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    @property
    def transaction(self) -> tuple[str, str]:
        """What tells a retransmission from another message."""
        return self.header("call-id"), self.header("cseq")


def parse(datagram: bytes) -> SipMessage | None:
    """The message of a datagram, or None for what is no SIP (keep-alive bytes, noise)."""
    head, found, body = datagram.partition(b"\r\n\r\n")
    if not found:
        return None
    lines = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "replace")).split("\r\n")
    headers: list[Header] = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            return None
        name = name.strip().lower()
        headers.append((_COMPACT.get(name, name), value.strip()))
    length = next((value for name, value in headers if name == "content-length"), "")
    if length:
        if not length.isdecimal() or int(length) > len(body):
            return None
        body = body[: int(length)]
    first = lines[0].split(" ", 2)
    if len(first) < 3:
        return None
    if first[0] == "SIP/2.0":
        return SipMessage(tuple(headers), body, status=int(first[1]), reason=first[2]) if first[1].isdecimal() else None
    return SipMessage(tuple(headers), body, method=first[0], uri=first[1]) if first[2] == "SIP/2.0" else None


def answer(request: SipMessage, status: int, reason: str) -> bytes:
    """The response to a request: its Via, From, To, Call-ID and CSeq come back."""
    lines = [f"SIP/2.0 {status} {reason}"]
    for name, value in request.headers:
        if name == "to" and ";tag=" not in value:
            value += f";tag={secrets.token_hex(4)}"
        if name in ("via", "from", "to", "call-id", "cseq"):
            lines.append(f"{'Call-ID' if name == 'call-id' else 'CSeq' if name == 'cseq' else name.title()}: {value}")
    return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()


@dataclass
class Client:
    """The requests of one dialogue-less client: who we are, whom we ask, and the growing CSeq."""

    user: str
    server_id: str
    remote: str
    local: str
    domain: str
    call_id: str = field(default_factory=lambda: secrets.token_hex(12))
    tag: str = field(default_factory=lambda: secrets.token_hex(6))
    sequence: int = 0

    @property
    def uri(self) -> str:
        return f"sip:{self.server_id}@{self.remote}"

    def message(self, body: bytes, authorization: Header | None = None) -> bytes:
        """A MESSAGE request with an MANSCDP body; each call is a new transaction."""
        self.sequence += 1
        lines = [
            f"MESSAGE {self.uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.local};rport;branch=z9hG4bK{secrets.token_hex(8)}",
            f"From: <sip:{self.user}@{self.domain}>;tag={self.tag}",
            f"To: <sip:{self.server_id}@{self.domain}>",
            f"Call-ID: {self.call_id}",
            f"CSeq: {self.sequence} MESSAGE",
            f"Contact: <sip:{self.user}@{self.local}>",
            "Max-Forwards: 70",
            "User-Agent: TownHub",
            "Content-Type: Application/MANSCDP+xml",
            f"Content-Length: {len(body)}",
        ]
        if authorization is not None:
            lines.append(f"{authorization[0]}: {authorization[1]}")
        return "\r\n".join([*lines, "", ""]).encode() + body


def digest(challenge: str, method: str, uri: str, user: str, password: str) -> str | None:
    """The credentials that answer a `Digest …` challenge, or None when it asks for something else than we can do."""
    scheme, _, rest = challenge.partition(" ")
    asked = {match[1].lower(): match[2] or match[3] or "" for match in _PARAMETER.finditer(rest)}
    make = _HASHES.get(asked.get("algorithm", "MD5").upper())
    if scheme.lower() != "digest" or make is None or "nonce" not in asked:
        return None

    def h(text: str) -> str:
        return make(text.encode()).hexdigest()

    realm, nonce = asked.get("realm", ""), asked["nonce"]
    first, second = h(f"{user}:{realm}:{password}"), h(f"{method}:{uri}")
    given = {"username": user, "realm": realm, "nonce": nonce, "uri": uri}
    plain = {"algorithm": asked.get("algorithm", "MD5")}
    if "auth" in [option.strip() for option in asked.get("qop", "").split(",")]:
        cnonce = secrets.token_hex(8)
        given |= {"response": h(f"{first}:{nonce}:00000001:{cnonce}:auth:{second}"), "cnonce": cnonce}
        plain |= {"qop": "auth", "nc": "00000001"}
    else:
        given["response"] = h(f"{first}:{nonce}:{second}")
    if "opaque" in asked:
        given["opaque"] = asked["opaque"]
    quoted = [f'{name}="{value}"' for name, value in given.items()]
    return "Digest " + ", ".join([*quoted, *(f"{name}={value}" for name, value in plain.items())])
