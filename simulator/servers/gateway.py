"""The provincial gateway and its clones in the city and the district: signed calls, pages, double-encoded JSON."""

from __future__ import annotations

import hashlib
import secrets as random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from simulator.faults import Faults
from simulator.interfaces import GatewayInterface, Key, by_system
from simulator.servers.gateway_signers import FixedSecret, Refusal
from simulator.servers.pages import Pages
from simulator.servers.view import Lookup, StreamView
from simulator.servers.wire import Reply, Request, WireServer

REQUEST_LIFE_MS = 15 * 60 * 1000
REFRESH_LIFE_MS = 48 * 3600 * 1000
LONGEST_PAGE = 5000
ENDLESS_ROWS = 10**12


@dataclass
class _Application:
    """An application key with the secrets given to it and when they end (epoch milliseconds)."""

    key: str
    secret: str
    request: dict[str, int] = field(default_factory=dict)
    refresh: dict[str, int] = field(default_factory=dict)
    token_calls: int = 0


class GatewayServer:
    """Every gateway system on a port of its own.

    ``served(system, stream)`` gives what is to be served now. ``environment()`` names the address, application key
    and secret of each system (random for this session), and for its lookup interface a file of identity numbers in
    ``folder``.
    """

    def __init__(
        self,
        served: Lookup,
        faults: Faults,
        interfaces: Mapping[Key, GatewayInterface],
        folder: Path | None = None,
    ) -> None:
        self._systems = [_System(name, served, faults, found) for name, found in by_system(interfaces).items()]
        self._folder = folder

    def start(self) -> None:
        for system in self._systems:
            system.wire.start()

    def stop(self) -> None:
        for system in self._systems:
            system.wire.stop()

    def environment(self) -> dict[str, str]:
        """The ``${NAME}`` of the contracts of all gateway systems."""
        names: dict[str, str] = {}
        for system in self._systems:
            prefix = system.name.upper()
            names[f"{prefix}_URL"] = system.wire.url
            names[f"{prefix}_APP_KEY"] = system.application.key
            names[f"{prefix}_APP_SECRET"] = system.application.secret
        return names | self.publish()

    def publish(self) -> dict[str, str]:
        """Write anew the lists of those whom the hub asks about, which follow the town; their ``${NAME}``."""
        return {
            f"{system.name.upper()}_LOOKUPS": str(_write_lookups(self._folder, interface.offer.lookup, interface.view))
            for system in self._systems
            for interface in system.interfaces.values()
            if interface.offer.lookup and self._folder is not None
        }

    def token_calls(self, system: str) -> int:
        """How often a system's application asked for secrets."""
        return next(s.application.token_calls for s in self._systems if s.name == system)


@dataclass
class _Interface:
    """One interface with what it remembers of its readers."""

    offer: GatewayInterface
    view: StreamView
    pages: Pages
    by_value: tuple[pl.DataFrame, dict[Any, pl.DataFrame]] | None = None

    @property
    def stream(self) -> str:
        return self.view.stream


class _System:
    """One gateway system: its application, its interfaces and its port."""

    def __init__(self, name: str, served: Lookup, faults: Faults, interfaces: Mapping[str, GatewayInterface]) -> None:
        self.name = name
        self.faults = faults
        self.interfaces = {
            offer.path: _Interface(offer, view, Pages(view, faults))
            for stream, offer in interfaces.items()
            for view in (StreamView(name, stream, served, faults),)
        }
        self.application = _Application(random.token_hex(8), random.token_hex(16))
        self._fixed = FixedSecret(self.application.key, self.application.secret)
        self.wire = WireServer(name, faults, self._handle)
        self._lock = threading.Lock()

    def _handle(self, request: Request) -> Reply:
        call = request.path.removeprefix("/gateway/").removesuffix(".htm")
        # Parameters are taken from the form or from the headers; header names come in any case.
        sent = {
            k: request.fields.get(k) or request.headers.get(k.lower(), "") for k in ("appKey", "requestTime", "sign")
        }
        if call in ("app/refreshTokenByKey", "app/refreshTokenBySec"):
            return self._token(call, sent)
        folder, _, name = call.removeprefix("api/").partition("/dataSharing/")
        interface = self.interfaces.get(f"{folder}/{name}")
        if interface is None or not call.startswith("api/"):
            return Reply(b"Not Found", "text/plain", 404, data=False)
        refused = self._refused(interface.offer.signer, request, sent)
        if refused:
            return _refusal(*refused)
        if self.faults.take(self.name, "expired_secret", interface.stream) is not None:
            return _refusal("11", "requestSecret已过期")
        if self.faults.take(self.name, "error_body", interface.stream) is not None:
            return _refusal("99", "系统繁忙，请稍后再试")
        return self._data(interface, request.fields)

    def _token(self, call: str, sent: dict[str, str]) -> Reply:
        application = self.application
        application.token_calls += 1
        given = {application.secret: 2**62} if call.endswith("ByKey") else application.refresh
        refused = self._signed(sent, given, "secret")
        if refused:
            return _refusal(*refused)
        now = time.time_ns() // 1_000_000
        request_end, refresh_end = now + REQUEST_LIFE_MS, now + REFRESH_LIFE_MS
        with self._lock:
            request, refresh = random.token_hex(16), random.token_hex(16)
            application.request[request] = request_end
            application.refresh[refresh] = refresh_end
        datas = {
            "refreshSecret": refresh,
            "refreshSecretEndTime": refresh_end,
            "requestSecret": request,
            "requestSecretEndTime": request_end,
        }
        return Reply(orjson.dumps(_envelope(datas, 0, 0, 1)), data=False)

    def _refused(self, signer: str, request: Request, sent: dict[str, str]) -> Refusal | None:
        if signer == "md5_rotating":
            return self._signed(sent, self.application.request, "requestSecret")
        if "bad_signature" in self.faults.active(self.name):
            return "14", "签名错误"
        return self._fixed.refusal(signer, request)

    def _signed(self, sent: dict[str, str], given: dict[str, int], what: str) -> Refusal | None:
        """None when the signature is right; else the code and message of the refusal."""
        if "bad_signature" in self.faults.active(self.name) or sent["appKey"] != self.application.key:
            return "14", "签名错误"
        with self._lock:
            known = dict(given)
        for secret, end in known.items():
            text = f"{sent['appKey']}{secret}{sent['requestTime']}"
            if hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() == sent["sign"]:
                return None if time.time_ns() // 1_000_000 < end else ("11", f"{what}已过期")
        return "14", "签名错误"

    def _data(self, interface: _Interface, fields: dict[str, str]) -> Reply:
        take, stream = self.faults.take, interface.stream
        endless = take(self.name, "endless_pages", stream) is not None
        rows = interface.view.rows("" if endless else fields.get("startTime", ""))
        if interface.offer.lookup:
            rows = self._of_value(interface, rows, fields.get(interface.offer.lookup, ""))
        size = min(LONGEST_PAGE, max(1, int(fields.get("pageSize") or 1000)))
        number = max(1, int(fields.get("pageNum") or 1))
        total = rows.height
        if endless and total:
            number, total = (number - 1) % -(-total // size) + 1, ENDLESS_ROWS
        records, count = interface.pages.page(rows, number, size)
        if take(self.name, "wrong_count", stream) is not None:
            count += 7
        body = _body(records, count, total, -(-total // size) or 1)
        if take(self.name, "truncated", stream) is not None:
            body = body[: len(body) // 2]
        return Reply(body)

    def _of_value(self, interface: _Interface, rows: pl.DataFrame, value: str) -> pl.DataFrame:
        """Rows of one looked-up value, from an index that lives as long as the rows do."""
        with self._lock:
            if interface.by_value is None or interface.by_value[0] is not rows:
                parts = rows.partition_by(str(interface.offer.lookup), as_dict=True)
                interface.by_value = (rows, {key[0]: part for key, part in parts.items()})
            return interface.by_value[1].get(value, rows.clear())


def _write_lookups(folder: Path, column: str, view: StreamView) -> Path:
    """A file of the values that a lookup interface knows."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{view.system}_{view.stream}.txt"
    rows = view.rows()
    values = rows[column].drop_nulls().unique(maintain_order=True) if rows.width else pl.Series([""])
    # under its name at once: the hub may be reading the one before
    draft = path.with_suffix(".tmp")
    draft.write_text("".join(f"{value}\n" for value in values), encoding="utf-8")
    draft.replace(path)
    return path


def _envelope(
    datas: Any, count: int, total: int, pages: int, code: str = "00", message: str = "成功"
) -> dict[str, Any]:
    return {
        "code": code,
        "msg": message,
        "data": "",
        "datas": datas,
        "dataCount": count,
        "totalDataCount": total,
        "totalPage": pages,
        "requestId": None,
    }


def _refusal(code: str, message: str) -> Reply:
    return Reply(orjson.dumps(_envelope(None, 0, 0, 0, code, message)), data=False)


def _body(records: bytes, count: int, total: int, pages: int) -> bytes:
    """The envelope with the records as a JSON string: encoded twice, as the gateway does."""
    datas = b'"' + records.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    head, tail = orjson.dumps(_envelope("@", count, total, pages)).split(b'"@"')
    return head + datas + tail
