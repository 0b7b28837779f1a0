"""The provincial gateway's secrets: one broker per application key, for the whole process.

The gateway gives a request secret (valid 15 minutes) and a refresh secret (valid 48 hours). Whoever refreshes on his
own makes others' secrets stale, so all streams that use an application key ask one broker, which refreshes at 12
minutes and holds everyone back meanwhile.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

import orjson

from connectors.errors import ContractViolation, Permanent
from connectors.protocols.http import HttpSource

OK: Final = "00"
BAD_SIGNATURE: Final = "14"
SECRET_EXPIRED: Final = "11"

_REQUEST_LIFE: Final = 15 * 60.0
_REFRESH_LIFE: Final = 48 * 3600.0
_RENEW_AT: Final = 12 / 15
"""Share of its life after which a secret is renewed."""


def signature(app_key: str, secret: str, request_time: str) -> str:
    """md5(appKey + secret + requestTime) in lower-case hex, as the gateway defines it (no choice of ours)."""
    return hashlib.md5(f"{app_key}{secret}{request_time}".encode(), usedforsecurity=False).hexdigest()


def signed(app_key: str, secret: str) -> dict[str, str]:
    """The three parameters that every call carries; requestTime in epoch milliseconds."""
    request_time = str(time.time_ns() // 1_000_000)
    return {"appKey": app_key, "requestTime": request_time, "sign": signature(app_key, secret, request_time)}


@dataclass(frozen=True)
class _Secret:
    value: str
    renew_at: float

    @property
    def fresh(self) -> bool:
        return bool(self.value) and time.monotonic() < self.renew_at


class TokenBroker:
    """Hands out the current request secret of one application key; thread-safe."""

    def __init__(self, app_key: str, app_secret: str) -> None:
        self._app_key = app_key
        self._app_secret = app_secret
        self._lock = threading.Lock()
        self._request: _Secret | None = None
        self._refresh: _Secret | None = None

    def request_secret(self, http: HttpSource, stale: str | None = None) -> str:
        """The secret to sign with; ``stale`` is one that the gateway has just refused, so it is replaced."""
        with self._lock:
            if self._request is None or not self._request.fresh or self._request.value == stale:
                self._renew(http)
            assert self._request is not None
            return self._request.value

    def _renew(self, http: HttpSource) -> None:
        answer = None
        if self._refresh is not None and self._refresh.fresh:
            answer = self._ask(http, "refreshTokenBySec", self._refresh.value)
        if answer is None:
            answer = self._ask(http, "refreshTokenByKey", self._app_secret)
        if answer is None:
            raise Permanent(
                f"{http.system}: the gateway refuses the signature of our application key",
                "Check the system's application key and secret, and this machine's clock",
            )
        self._request = _secret(answer, "request", _REQUEST_LIFE)
        self._refresh = _secret(answer, "refresh", _REFRESH_LIFE)

    def _ask(self, http: HttpSource, call: str, secret: str) -> dict[str, Any] | None:
        """The secrets, or None when the gateway refuses the signature."""
        body = http.post(f"/gateway/app/{call}.htm", bytes, form=signed(self._app_key, secret))
        try:
            answer = orjson.loads(body)
            code = str(answer["code"])
            secrets = answer.get("datas")
            secrets = orjson.loads(secrets) if isinstance(secrets, str) and secrets else secrets
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise ContractViolation(
                f"{http.system}: {call} gave no gateway answer", "Check the gateway's address"
            ) from None
        if code in (BAD_SIGNATURE, SECRET_EXPIRED):
            return None
        if code != OK or not isinstance(secrets, dict) or not secrets.get("requestSecret"):
            raise ContractViolation(f"{http.system}: {call} gave code {code} and no secret", "Ask the gateway's owner")
        return secrets


def _secret(answer: dict[str, Any], kind: str, life: float) -> _Secret:
    """The secret with its time of renewal; an end that our clock finds absurd is replaced by the documented life."""
    try:
        left = float(answer[f"{kind}SecretEndTime"]) / 1000 - time.time()
    except (KeyError, TypeError, ValueError):
        left = life
    if not 0 < left <= life:
        left = life
    return _Secret(str(answer.get(f"{kind}Secret", "")), time.monotonic() + left * _RENEW_AT)


_brokers: dict[tuple[str, str, str], TokenBroker] = {}
_brokers_lock = threading.Lock()


def broker_of(endpoint: str, app_key: str, app_secret: str) -> TokenBroker:
    """The process-wide broker of an application key at a gateway (a changed secret gives a new one)."""
    with _brokers_lock:
        key = (endpoint, app_key, app_secret)
        if key not in _brokers:
            _brokers[key] = TokenBroker(app_key, app_secret)
        return _brokers[key]
