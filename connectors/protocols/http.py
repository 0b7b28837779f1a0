"""HTTP as the hub speaks it to upstream systems: bounded in tries, time and size, and never led astray.

A call is tried again with jitter while what failed may pass, within a total deadline; an upstream that asks for
patience (Retry-After) gets it. A source that keeps failing is only probed (one try a call) until it answers again, so
that it costs the others no time. Answers with a page for people (a login form), a redirect or too many bytes are
breaches of the contract.
"""

from __future__ import annotations

import io
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar
from urllib.parse import urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type
from tenacity.wait import wait_random_exponential

from connectors.errors import ContractViolation, Permanent, Retriable, Truncated
from warehouse.settings import positive

T = TypeVar("T")

_GZIP: Final = 16 + zlib.MAX_WBITS
_PIECE: Final = 1 << 20

OPEN_AFTER: Final = 5
"""Failed tries in a row after which a source is only probed."""


@dataclass(frozen=True)
class Limits:
    """How long and how much; seconds and bytes."""

    attempts: int = 6
    deadline: float = 90.0
    connect: float = 5.0
    read: float = 20.0
    first_wait: float = 0.2
    longest_wait: float = 8.0
    max_bytes: int = 64 * 1024 * 1024

    @classmethod
    def from_environment(cls) -> Limits:
        """The defaults, with a deadline from ``TOWNHUB_SOURCE_DEADLINE_SECONDS`` where that is set.

        Raises ConfigurationError.
        """
        deadline = float(positive("TOWNHUB_SOURCE_DEADLINE_SECONDS", int(cls.deadline)))
        return cls(deadline=deadline, read=min(cls.read, deadline))


@dataclass
class Breaker:
    """Counts the failures in a row of one source; shared by all that talk to it in this process."""

    failures: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def open(self) -> bool:
        return self.failures >= OPEN_AFTER

    def trip(self) -> None:
        """Open at once, for a source that an earlier process found failing."""
        with self.lock:
            self.failures = max(self.failures, OPEN_AFTER)

    def record(self, ok: bool) -> None:
        with self.lock:
            self.failures = 0 if ok else self.failures + 1


_breakers: dict[str, Breaker] = {}
_breakers_lock = threading.Lock()


def breaker_of(source: str) -> Breaker:
    """The process-wide breaker of a source (system and host)."""
    with _breakers_lock:
        return _breakers.setdefault(source, Breaker())


@dataclass(frozen=True)
class _Call:
    path: str
    form: Mapping[str, str] | None
    body: Callable[[], bytes] | None
    headers: Mapping[str, str] | Callable[[], Mapping[str, str]] | None
    soap_faults: bool
    ends: float


class HttpSource:
    """Calls to one upstream system; a context manager that closes its connections.

    ``endpoint`` is the base address; ``allowed_hosts`` (from the contract) limits where it may point; ``probing`` makes
    one try a call until the source has answered. Errors:
    ``Retriable`` or ``Truncated`` after the last try, ``Permanent`` for refused credentials or addresses,
    ``ContractViolation`` for answers that are not what the interface gives.
    """

    def __init__(
        self,
        system: str,
        endpoint: str,
        *,
        allowed_hosts: list[str] | None = None,
        limits: Limits | None = None,
        probing: bool = False,
    ) -> None:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Permanent(
                f"{system}: the endpoint is no http(s) address", "Correct the system's environment variable"
            )
        if allowed_hosts and parts.hostname not in allowed_hosts:
            raise Permanent(
                f"{system}: the host {parts.hostname} is not among the contract's allowedHosts",
                "Correct the address, or add the host to the contract after asking its owner",
            )
        self.system = system
        self.base = endpoint.rstrip("/")
        self.limits = limits or Limits.from_environment()
        self.breaker = breaker_of(f"{system} {parts.netloc}")
        if probing:
            self.breaker.trip()
        # The address is in the contract, so no proxy or .netrc of the environment may change where secrets go.
        self._client = httpx.Client(
            timeout=httpx.Timeout(self.limits.read, connect=self.limits.connect),
            trust_env=False,
            follow_redirects=False,
            headers={"Accept-Encoding": "gzip"},
        )

    def __enter__(self) -> HttpSource:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def post(
        self,
        path: str,
        parse: Callable[[bytes], T],
        *,
        form: Mapping[str, str] | None = None,
        body: Callable[[], bytes] | None = None,
        headers: Mapping[str, str] | Callable[[], Mapping[str, str]] | None = None,
        soap_faults: bool = False,
    ) -> T:
        """One POST; ``path`` is appended to the endpoint; the answer's body as ``parse`` gives it back.

        ``parse`` is part of the try: an answer that it finds ``Truncated`` or ``Retriable`` is asked for again.
        ``body`` and, given as a function, ``headers`` are made anew for each try (tokens in them are good once). With
        ``soap_faults`` it also gets the XML that comes with HTTP 500.
        """
        ends = time.monotonic() + self.limits.deadline
        call = _Call(path, form, body, headers, soap_faults, ends)
        tries = 1 if self.breaker.open else self.limits.attempts
        retrying = Retrying(
            retry=retry_if_exception_type(Retriable),
            # Waiting past the deadline would only fail later; the wait that is due is drawn already.
            stop=lambda state: state.attempt_number >= tries or time.monotonic() + state.upcoming_sleep >= ends,
            wait=self._wait,
            reraise=True,
        )
        answer: T = retrying(self._try, call, parse)
        return answer

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Retriable) and error.retry_after is not None:
            return error.retry_after
        return wait_random_exponential(multiplier=self.limits.first_wait, max=self.limits.longest_wait)(state)

    def _try(self, call: _Call, parse: Callable[[bytes], T]) -> T:
        try:
            answer = parse(self._once(call))
        except Retriable:
            self.breaker.record(ok=False)
            raise
        self.breaker.record(ok=True)
        return answer

    def _once(self, call: _Call) -> bytes:
        try:
            with self._client.stream(
                "POST",
                self.base + call.path,
                data=call.form,
                content=call.body() if call.body else None,
                headers=call.headers() if callable(call.headers) else call.headers,
                timeout=self._timeout(call.ends),
            ) as response:
                content = self._read(response, call.ends)
        except httpx.TimeoutException:
            raise Retriable(
                f"{self.system}: no answer in time", "The upstream or the network is slow; ask its owner"
            ) from None
        except httpx.RemoteProtocolError:
            raise Truncated(f"{self.system}: the answer ended before its declared length") from None
        except zlib.error:
            raise Truncated(
                f"{self.system}: the answer's compression is damaged",
                "The next run asks again; if it persists ask the owner",
            ) from None
        except httpx.TransportError as error:
            raise Retriable(
                f"{self.system}: the connection failed ({type(error).__name__})",
                "Check that the upstream is up and reachable",
            ) from None
        fault = call.soap_faults and response.status_code == 500 and "xml" in response.headers.get("Content-Type", "")
        if is_html(content) or (response.status_code != 200 and not fault):
            self._judge(response, content)
        return content

    def _timeout(self, ends: float) -> httpx.Timeout:
        left = max(0.05, ends - time.monotonic())
        return httpx.Timeout(min(self.limits.read, left), connect=min(self.limits.connect, left))

    def _read(self, response: httpx.Response, ends: float) -> bytes:
        """The whole body; a read timeout alone would let a slow drip go on for ever."""
        declared = response.headers.get("Content-Length", "")
        content = io.BytesIO()  # many small pieces would stay in the allocator's hands
        for chunk in _unpacked(response, self.system):
            content.write(chunk)
            if max(content.tell(), int(declared) if declared.isdecimal() else 0) > self.limits.max_bytes:
                raise ContractViolation(
                    f"{self.system}: an answer of more than {self.limits.max_bytes} bytes",
                    "Ask the owner for smaller pages",
                )
            if time.monotonic() > ends:
                raise Retriable(
                    f"{self.system}: the answer trickled in past the deadline",
                    "Ask the owner; the hub goes on",
                )
        return content.getvalue()  # not copied: nobody else holds it

    def _judge(self, response: httpx.Response, content: bytes) -> None:
        status = response.status_code
        if status == 429 or status == 408 or status >= 500:
            raise Retriable(
                f"{self.system}: the upstream answered HTTP {status}",
                "It is overloaded or broken; the next run tries again",
                retry_after=_retry_after(response.headers.get("Retry-After")),
            )
        if status in (401, 403):
            raise Permanent(f"{self.system}: the upstream refused our credentials (HTTP {status})", "Renew the secret")
        if 300 <= status < 400:
            host = urlsplit(response.headers.get("Location", "")).hostname or "itself"
            raise ContractViolation(
                f"{self.system}: the upstream redirects to {host}, which the hub never follows",
                "Ask the owner for the interface's new address",
            )
        if is_html(content):
            raise ContractViolation(
                f"{self.system}: the upstream answered with an HTML page instead of data",
                "Probably a login or maintenance page: ask the owner",
            )
        raise ContractViolation(f"{self.system}: the upstream answered HTTP {status}", "Check the interface's address")


def _unpacked(response: httpx.Response, system: str) -> Iterator[bytes]:
    """The body in small pieces: of a few bytes that unpack to gigabytes, no more is unpacked than is looked at.

    Several members of gzip one after the other are one body (RFC 1952). Raises zlib.error for damaged compression.
    """
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        yield from response.iter_raw()
        return
    if encoding not in ("gzip", "x-gzip"):
        raise ContractViolation(f"{system}: the answer is packed in a way that was not asked for", "Ask its owner")
    unpacker = None
    for packed in response.iter_raw():
        while packed:
            if unpacker is None or unpacker.eof:
                unpacker = zlib.decompressobj(_GZIP)
            yield unpacker.decompress(packed, _PIECE)
            packed = unpacker.unconsumed_tail or unpacker.unused_data
    if unpacker is not None:
        yield unpacker.flush()
        if not unpacker.eof:
            raise zlib.error("the packed body ends early")


def is_html(content: bytes) -> bool:
    """Whether the bytes are a page for people."""
    head = content[:512].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return head.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


def _retry_after(value: str | None) -> float | None:
    """Retry-After (RFC 9110 §10.2.3: seconds or a date) in seconds from now."""
    if value is None:
        return None
    if value.isascii() and value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
