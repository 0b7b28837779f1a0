"""How calls of a gateway are signed: the contract's server property `signer` names one of these ways.

- `md5_rotating` (the province's gateway): md5(appKey + requestSecret + requestTime), secrets that a broker renews.
- `sha1`: sha1(appKey + appSecret + requestTime); the gateway takes times within an hour of its clock.
- `hmac_sha256`, `hmac_sm3` (GB/T 32905): headers X-Client-Id, X-Timestamp (milliseconds), X-Nonce (good once) and
  X-Signature = Base64(HMAC(appSecret, clientId + timestamp + nonce)); within 10 minutes of its clock.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from connectors.protocols.gateway_token import TokenBroker, broker_of, signed
from connectors.protocols.http import HttpSource
from connectors.standards.pseudonym import hmac_sm3_digest


@dataclass(frozen=True)
class Signature:
    """What a signed call carries: form fields, and headers that are made anew for each try."""

    form: dict[str, str] = field(default_factory=dict)
    headers: Callable[[], dict[str, str]] = dict
    secret: str = ""
    """The secret that was given for a while, where there is one."""


class Signer(Protocol):
    """Signs for one application key."""

    rotates: bool
    """Whether a refused call is worth signing again, with another secret."""

    def sign(self, http: HttpSource, refused: Signature | None) -> Signature:
        """Sign a call; `refused` is the signature that the gateway has just refused."""


class RotatingMd5:
    """`md5_rotating`."""

    rotates = True

    def __init__(self, base: str, app_key: str, app_secret: str) -> None:
        self._app_key = app_key
        self._broker: TokenBroker = broker_of(base, app_key, app_secret)

    def sign(self, http: HttpSource, refused: Signature | None) -> Signature:
        secret = self._broker.request_secret(http, refused.secret if refused else None)
        return Signature(signed(self._app_key, secret), secret=secret)


class Sha1:
    """`sha1`."""

    rotates = False

    def __init__(self, base: str, app_key: str, app_secret: str) -> None:
        self._app_key, self._app_secret = app_key, app_secret

    def sign(self, http: HttpSource, refused: Signature | None) -> Signature:
        moment = _milliseconds()
        text = f"{self._app_key}{self._app_secret}{moment}"
        sign = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        return Signature({"appKey": self._app_key, "requestTime": moment, "sign": sign})


class HmacHeaders:
    """`hmac_sha256` and `hmac_sm3`."""

    rotates = False

    def __init__(self, digest: Callable[[bytes, bytes], bytes], app_key: str, app_secret: str) -> None:
        self._digest = digest
        self._app_key, self._app_secret = app_key, app_secret

    def sign(self, http: HttpSource, refused: Signature | None) -> Signature:
        return Signature(headers=self._headers)

    def _headers(self) -> dict[str, str]:
        moment, nonce = _milliseconds(), secrets.token_hex(16)
        mac = self._digest(self._app_secret.encode(), f"{self._app_key}{moment}{nonce}".encode())
        return {
            "X-Client-Id": self._app_key,
            "X-Timestamp": moment,
            "X-Nonce": nonce,
            "X-Signature": base64.b64encode(mac).decode(),
        }


def _hmac_sha256(base: str, app_key: str, app_secret: str) -> Signer:
    return HmacHeaders(lambda key, data: hmac.digest(key, data, "sha256"), app_key, app_secret)


def _hmac_sm3(base: str, app_key: str, app_secret: str) -> Signer:
    return HmacHeaders(hmac_sm3_digest, app_key, app_secret)


_SIGNERS: Final[dict[str, Callable[[str, str, str], Signer]]] = {
    "md5_rotating": RotatingMd5,
    "sha1": Sha1,
    "hmac_sha256": _hmac_sha256,
    "hmac_sm3": _hmac_sm3,
}


def signer_of(name: str, base: str, app_key: str, app_secret: str) -> Signer:
    """The signer of `connectors.interfaces.SIGNERS` with this name, for an application at the gateway `base`."""
    return _SIGNERS[name](base, app_key, app_secret)


def _milliseconds() -> str:
    return str(time.time_ns() // 1_000_000)
