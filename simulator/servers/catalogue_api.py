"""A city's data catalogue: one address for every entry, and separate calls for sign, total, update and page."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
import polars as pl

from simulator.faults import Faults
from simulator.interfaces import CatalogueApi, Key, by_system
from simulator.servers.pages import Pages
from simulator.servers.view import Lookup, StreamView
from simulator.servers.wire import Reply, Request, WireServer

PATH: Final = "/interface/gateway.do"
SIGN_SECONDS: Final = 30 * 60
CLOCK_SKEW: Final = timedelta(minutes=10)
LONGEST_PAGE: Final = 5000
SHANGHAI: Final = ZoneInfo("Asia/Shanghai")


class CatalogueApiServer:
    """Every catalogue system on a port of its own, with an application id and secret of this session."""

    def __init__(self, served: Lookup, faults: Faults, offers: Mapping[Key, CatalogueApi]) -> None:
        self._systems = [_System(name, served, faults, found) for name, found in by_system(offers).items()]

    def start(self) -> None:
        for system in self._systems:
            system.wire.start()

    def stop(self) -> None:
        for system in self._systems:
            system.wire.stop()

    def environment(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for system in self._systems:
            prefix = system.name.upper()
            names[f"{prefix}_URL"] = system.wire.url
            names[f"{prefix}_APP_ID"] = system.app_id
            names[f"{prefix}_APP_SECRET"] = system.app_secret
        return names

    def forget_signs(self) -> None:
        """What a restart over there does: no sign given so far is good any more."""
        for system in self._systems:
            system.signs.clear()


@dataclass
class _Entry:
    """One entry of the catalogue; `filled` is when it was last brought up to date: when its rows became others."""

    served: Lookup
    view: StreamView
    pages: Pages
    seen: pl.DataFrame | None = None
    filled: datetime = datetime.min

    def updated(self) -> str:
        frame = self.served(self.view.system, self.view.stream).frame
        if frame is not self.seen:
            self.seen, self.filled = frame, datetime.now(SHANGHAI)
        return f"{self.filled:%Y-%m-%d %H:%M:%S}"


class _System:
    """One system: its application, its entries and its port."""

    def __init__(self, name: str, served: Lookup, faults: Faults, offers: Mapping[str, CatalogueApi]) -> None:
        self.name = name
        self.faults = faults
        self.app_id, self.app_secret = secrets.token_hex(8), secrets.token_hex(16)
        self.signs: dict[str, float] = {}
        self.wire = WireServer(name, faults, self._handle)
        self._entries: dict[str, _Entry] = {}
        for stream, offer in offers.items():
            view = StreamView(name, stream, served, faults)
            self._entries[offer.interface_id] = _Entry(served, view, Pages(view, faults))
        self._lock = threading.Lock()

    def _handle(self, request: Request) -> Reply:
        if request.path != PATH:
            return Reply(b"Not Found", "text/plain", 404, data=False)
        try:
            sent = orjson.loads(request.fields["param"])
            content = orjson.loads(sent["biz_content"])
            entry, call = self._entries[str(sent["interface_id"])], str(content["call"])
        except (KeyError, TypeError, orjson.JSONDecodeError):
            return _answer("40004", "参数错误")
        if "bad_signature" in self.faults.active(self.name) or sent.get("app_id") != self.app_id:
            return _answer("40002", "签名错误")
        if call == "sign":
            return self._sign(sent)
        refused = self._refused(str(sent.get("sign")), entry.view.stream)
        if refused is not None:
            return refused
        if self.faults.take(self.name, "error_body", entry.view.stream) is not None:
            return _answer("20000", "系统繁忙")
        return self._data(entry, call, content)

    def _sign(self, sent: dict[str, Any]) -> Reply:
        timestamp = str(sent.get("timestamp"))
        text = f"{self.app_id}{self.app_secret}{timestamp}"
        if hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() != sent.get("sign"):
            return _answer("40002", "签名错误")
        moment = datetime.strptime(timestamp, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
        if abs(datetime.now(SHANGHAI) - moment) > CLOCK_SKEW:
            return _answer("20001", "时间戳超出允许范围")
        sign = secrets.token_hex(16)
        with self._lock:
            self.signs[sign] = time.monotonic() + SIGN_SECONDS
        return _answer("10000", "成功", {"sign": sign, "expiresIn": SIGN_SECONDS})

    def _refused(self, sign: str, stream: str) -> Reply | None:
        with self._lock:
            ends = self.signs.get(sign)
        if ends is None:
            return _answer("40002", "签名错误")
        if ends < time.monotonic() or self.faults.take(self.name, "expired_secret", stream) is not None:
            return _answer("20001", "签名已过期")
        return None

    def _data(self, entry: _Entry, call: str, content: dict[str, Any]) -> Reply:
        rows = entry.view.rows(str(content.get("startTime", "")))
        if call == "total":
            return _answer("10000", "成功", {"total": rows.height})
        if call == "update":
            return _answer("10000", "成功", {"updateTime": entry.updated(), "total": rows.height})
        if call != "page":
            return _answer("40004", "参数错误")
        number, size = max(1, int(content["pageNum"])), min(LONGEST_PAGE, max(1, int(content["pageSize"])))
        records, _ = entry.pages.page(rows, number, size)
        head, tail = orjson.dumps(_envelope("10000", "成功", {"pageNum": number, "rows": "@"})).split(b'"@"')
        body = head + records + tail
        if self.faults.take(self.name, "truncated", entry.view.stream) is not None:
            body = body[: len(body) // 2]
        return Reply(body)


def _envelope(code: str, message: str, data: dict[str, Any] | None) -> dict[str, Any]:
    return {"code": code, "msg": message, "data": data}


def _answer(code: str, message: str, data: dict[str, Any] | None = None) -> Reply:
    return Reply(orjson.dumps(_envelope(code, message, data)), data=False)
