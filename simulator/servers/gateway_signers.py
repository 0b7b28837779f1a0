"""How the clones of the gateway check the calls of an application whose secret does not rotate."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from typing import Final

from connectors.standards.pseudonym import hmac_sm3_digest
from simulator.servers.wire import Request

Refusal = tuple[str, str]
"""(code, message): 14 for a wrong signature, 11 for a time that is out of date."""

SHA1_SKEW_MS: Final = 3600 * 1000
HMAC_SKEW_MS: Final = 600 * 1000

_DIGESTS: Final[dict[str, Callable[[bytes, bytes], bytes]]] = {
    "hmac_sha256": lambda key, data: hmac.digest(key, data, "sha256"),
    "hmac_sm3": hmac_sm3_digest,
}


class FixedSecret:
    """Checks sha1, hmac_sha256 and hmac_sm3; remembers nonces as long as their time is good."""

    def __init__(self, key: str, secret: str) -> None:
        self._key, self._secret = key, secret
        self._nonces: dict[str, int] = {}
        self._lock = threading.Lock()

    def refusal(self, signer: str, request: Request) -> Refusal | None:
        """Why a call is refused, None when it is signed as it should be."""
        if signer == "sha1":
            return self._sha1(request.fields)
        return self._hmac(_DIGESTS[signer], request.headers)

    def _sha1(self, sent: dict[str, str]) -> Refusal | None:
        moment = sent.get("requestTime", "")
        text = f"{self._key}{self._secret}{moment}"
        right = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        if sent.get("appKey") != self._key or not secrets.compare_digest(right, sent.get("sign", "")):
            return "14", "签名错误"
        return None if _near(moment, SHA1_SKEW_MS) else ("11", "时间戳超出允许范围")

    def _hmac(self, digest: Callable[[bytes, bytes], bytes], sent: dict[str, str]) -> Refusal | None:
        moment, nonce = sent.get("x-timestamp", ""), sent.get("x-nonce", "")
        mac = digest(self._secret.encode(), f"{self._key}{moment}{nonce}".encode())
        right = secrets.compare_digest(base64.b64encode(mac).decode(), sent.get("x-signature", ""))
        if sent.get("x-client-id") != self._key or not right or not nonce:
            return "14", "签名错误"
        if not _near(moment, HMAC_SKEW_MS):
            return "11", "时间戳超出允许范围"
        with self._lock:
            now = time.time_ns() // 1_000_000
            self._nonces = {n: t for n, t in self._nonces.items() if now - t < 2 * HMAC_SKEW_MS}
            if nonce in self._nonces:
                return "14", "重复请求"
            self._nonces[nonce] = now
        return None


def _near(moment: str, skew: int) -> bool:
    return moment.isdigit() and abs(time.time_ns() // 1_000_000 - int(moment)) < skew
