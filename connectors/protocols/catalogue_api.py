"""A city's catalogue API: one address, and the call itself as a JSON text in the parameter `param`.

`<endpoint>/interface/gateway.do` gets `param` = {app_id, interface_id, version, charset, timestamp, origin, sign,
biz_content}. The entry of the catalogue is `interface_id` (the contract's `source.interface`); `biz_content` is JSON
text again and names the call:

- `sign`: signed with md5(app_id + app_secret + timestamp), it gives the sign that the other calls carry for a while;
- `total`: how many rows there are;
- `update`: when the source was last brought up to date, and how many rows changed since a time;
- `page`: one page of rows, with neither total nor time.

The total stands beside the pages, so it is asked for before the first page and after the last one, and the pages are
held against it. A feed that says "daily" may not have been filled for weeks: its age is the time that `update` tells.

The parameter is posted, not put into the address: addresses are written into logs. (The known parts of the shape are
the parameter, its members and the four calls of 金华's catalogue; what stands inside `biz_content` and the answers
follows the family of gateways that its parameters come from.)
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import orjson

from connectors.errors import ContractViolation, Permanent, Retriable, Truncated
from connectors.formats import require_columns
from connectors.formats.json_pages import cut_array, records_page
from connectors.formats.json_register import read_page
from connectors.protocols.base import Extraction, Page, Pull
from connectors.protocols.http import HttpSource
from connectors.protocols.paging import Answer, Reading, changed_since, refuse_empty

PATH: Final = "/interface/gateway.do"
VERSION: Final = "1.0"
ORIGIN: Final = "townhub"

OK: Final = "10000"
UNAVAILABLE: Final = "20000"
SIGN_EXPIRED: Final = "20001"
BAD_SIGN: Final = "40002"

SIGNINGS: Final = 3
"""How often a sign is asked for that the source then finds expired."""
RENEW_AT: Final = 0.8
"""Share of its life after which a sign is renewed."""

Data = dict[str, Any]
T = TypeVar("T")


def first_sign(app_id: str, app_secret: str, timestamp: str) -> str:
    """md5(app_id + app_secret + timestamp) in lower-case hex, as the interface defines it (no choice of ours)."""
    return hashlib.md5(f"{app_id}{app_secret}{timestamp}".encode(), usedforsecurity=False).hexdigest()


@dataclass
class CatalogueExtraction:
    """One pull of one entry of the catalogue."""

    pull: Pull
    http: HttpSource
    state: dict[str, Any] = field(default_factory=dict)
    complete: bool = False
    source_time: datetime | None = None

    def __post_init__(self) -> None:
        self._stream = self.pull.stream
        self._where = f"{self._stream.system}.{self._stream.name}"
        server = self.pull.server
        self._app_id, self._app_secret = str(server.get("appId", "")), str(server.get("appSecret", ""))
        if not self._app_id or not self._app_secret:
            raise Permanent(f"{self._where}: no application id", "Add appId and appSecret to the contract's server")
        self._interface = str(self._stream.source.get("interface") or self._stream.physical_name)
        self._page_size = int(self._stream.source.get("pageSize", 1000))
        self._since = changed_since(self.pull)
        self._total = 0
        self._sign = ""
        self._renew_at = 0.0
        self._reading = Reading(self.pull, self._page)

    def pages(self) -> Iterator[Page]:
        """Changed rows, or all of them, page by page."""
        self.source_time = self._updated()
        yield from self._reading.pages()
        self.complete = self._stream.load == "snapshot"

    def again(self) -> Iterator[Page]:
        """What a snapshot's first reading can have missed."""
        return self._reading.again()

    def acknowledge(self) -> None:
        """Nothing to tell: asking changes nothing over there."""

    def _page(self, number: int) -> Answer:
        if number == 1:
            self._total = self._count()
        first_row = (number - 1) * self._page_size
        page = self._call(
            "page",
            {"pageNum": number, "pageSize": self._page_size},
            lambda data, body: self._rows(data, body, number, first_row),
        )
        if number * self._page_size >= self._total:
            self._total = self._count()  # what came while we read must be read too
        return Answer(page, self._total, -(-self._total // self._page_size))

    def _rows(self, data: Data, body: bytes, number: int, first_row: int) -> Page:
        rows = data.get("rows")
        if str(data.get("pageNum")) != str(number) or not isinstance(rows, bytes | list):
            raise ContractViolation(f"{self._where}: the answer is not page {number}", "Ask the catalogue's owner")
        if isinstance(rows, bytes):
            page = read_page(rows, self._where, first_row, self.pull)
        else:
            page = records_page(rows, len(body), first_row)
        refuse_empty(self._where, page, number, first_row, self._total)
        if page.frame.height:
            require_columns(self._stream, page.frame.columns)
        return replace(page, bytes_in=len(body))

    def _count(self) -> int:
        """How many rows the pages have: all of them, or those that changed."""
        call = "total" if self._since is None else "update"
        return self._call(call, {}, lambda data, _: self._number(data, "total"))

    def _updated(self) -> datetime | None:
        """When the source was last brought up to date; None for one that never was."""
        text = self._call("update", {}, lambda data, _: data.get("updateTime"))
        try:
            local = datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S") if text else None
        except ValueError:
            raise ContractViolation(
                f"{self._where}: updateTime is no time", "Ask the catalogue's owner whether the interface changed"
            ) from None
        if local is None:
            return None
        return min(local.replace(tzinfo=self.pull.server.timezone).astimezone(UTC), datetime.now(UTC))

    def _number(self, data: Data, name: str) -> int:
        try:
            return int(data[name])
        except (KeyError, TypeError, ValueError):
            raise ContractViolation(f"{self._where}: the answer has no {name}", "Ask the catalogue's owner") from None

    def _call(self, call: str, content: Data, read: Callable[[Data, bytes], T]) -> T:
        """What `read` makes of a call's data and the answer that they came in."""
        code = ""
        for _ in range(SIGNINGS):
            if time.monotonic() >= self._renew_at:
                self._renew()
            code, result = self._post(call, content, lambda _: self._sign, read)
            if code == OK:
                return result  # type: ignore[return-value]
            self._renew_at = 0.0
        if code == BAD_SIGN:
            raise self._refused()
        raise Retriable(f"{self._where}: signs expire as soon as they are given", "Ask the catalogue's owner")

    def _renew(self) -> None:
        """Ask for a new sign."""
        code, given = self._post(
            "sign",
            {},
            lambda timestamp: first_sign(self._app_id, self._app_secret, timestamp),
            lambda data, _: (data.get("sign"), self._number(data, "expiresIn")),
        )
        if code == BAD_SIGN:
            raise self._refused()
        if given is None:
            raise Permanent(
                f"{self._where}: the catalogue finds our time out of date", "Set this machine's clock (NTP)"
            )
        self._sign, self._renew_at = str(given[0]), time.monotonic() + given[1] * RENEW_AT

    def _refused(self) -> Permanent:
        return Permanent(
            f"{self._where}: the catalogue refuses our sign",
            "Check the application's id and secret, and its right to this interface",
        )

    def _post(
        self, call: str, content: Data, sign: Callable[[str], str], read: Callable[[Data, bytes], T]
    ) -> tuple[str, T | None]:
        """(OK, what `read` made of the data), or what was wrong with the sign and None."""
        timestamp = f"{datetime.now(self.pull.server.timezone):%Y-%m-%d %H:%M:%S}"
        since = {} if self._since is None or call == "sign" else {"startTime": self._since}
        parameter = {
            "app_id": self._app_id,
            "interface_id": self._interface,
            "version": VERSION,
            "charset": "utf-8",
            "timestamp": timestamp,
            "origin": ORIGIN,
            "sign": sign(timestamp),
            "biz_content": orjson.dumps({"call": call, **content, **since}).decode(),
        }
        return self.http.post(
            PATH, lambda body: self._open(body, read), form={"param": orjson.dumps(parameter).decode()}
        )

    def _open(self, body: bytes, read: Callable[[Data, bytes], T]) -> tuple[str, T | None]:
        try:
            answer, rows = cut_array(body, "rows")
        except ValueError:
            raise Truncated(
                f"{self._where}: the answer is no whole JSON document",
                "The next run tries again; if it persists ask the owner",
            ) from None
        code = str(answer.get("code")) if isinstance(answer, dict) else "none"
        if code in (SIGN_EXPIRED, BAD_SIGN):
            return code, None
        if code == UNAVAILABLE:
            raise Retriable(f"{self._where}: the catalogue is not available", "The next run tries again")
        data = answer.get("data") if isinstance(answer, dict) else None
        if code != OK or not isinstance(data, dict):
            raise ContractViolation(f"{self._where}: the catalogue answered code {code[:20]}", "Ask its owner")
        return code, read(data if rows is None else data | {"rows": rows}, body)


@contextmanager
def open_extraction(pull: Pull) -> Iterator[Extraction]:
    """Open the pull of one entry; see ``connectors.protocols.base``."""
    server = pull.server
    with HttpSource(pull.stream.system, server.endpoint, allowed_hosts=server.get("allowedHosts")) as http:
        yield CatalogueExtraction(pull, http)
