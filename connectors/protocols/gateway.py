"""The province's and city's data gateway (JSON over HTTPS, signed calls, pages).

Data lie at ``<endpoint>/gateway/api/<dir>/dataSharing/<id>.htm``; the contract's ``source.interface`` is ``dir/id``.
Changes are asked for with ``startTime`` (source time, rows changed at or after it); a lookup interface is asked once
per value of the file that ``source.lookup`` names.

Pages move while they are read: rows are inserted, deleted or put at the end because they changed. So what was read is
held against what the gateway declares, and read again until both agree; rows that come twice pass on, because landing
knows them by key, but a gap is an error.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
import polars as pl

from connectors.contract import resolve_value
from connectors.errors import ContractViolation, Permanent, Retriable, Truncated
from connectors.formats import require_columns
from connectors.formats.json_pages import loads_exact, read_records, records_page
from connectors.protocols.ahead import read_ahead
from connectors.protocols.base import Extraction, Page, Pull
from connectors.protocols.gateway_token import BAD_SIGNATURE, OK, SECRET_EXPIRED
from connectors.protocols.http import HttpSource
from connectors.protocols.reconcile import Round
from connectors.protocols.signers import Signature, signer_of

ROUNDS: Final = 3
"""How often a moving source is read before a gap is reported."""

EMPTY_TRIES: Final = 5
"""How often a page that should have rows is asked for."""

SIGNINGS: Final = 3
"""How often a call is signed whose secret the gateway has forgotten."""

LOOKUP_THREADS: Final = 4


@dataclass(frozen=True)
class Answer:
    """One page of the gateway: its rows and how many there are in all."""

    page: Page
    total: int
    pages: int


@dataclass
class GatewayExtraction:
    """One pull of one interface."""

    pull: Pull
    http: HttpSource
    state: dict[str, Any] = field(default_factory=dict)
    complete: bool = False

    def __post_init__(self) -> None:
        self._stream = self.pull.stream
        self._where = f"{self._stream.system}.{self._stream.name}"
        interface = str(self._stream.source.get("interface") or self._stream.physical_name)
        folder, _, name = interface.partition("/")
        self._path = (
            f"/gateway/api/{folder}/dataSharing/{name}.htm" if name else f"/gateway/api/dataSharing/{folder}.htm"
        )
        server = self.pull.server
        app_key, app_secret = server.get("appKey"), server.get("appSecret")
        if not app_key or not app_secret:
            raise Permanent(f"{self._where}: no application key", "Add appKey and appSecret to the contract's server")
        self._signer = signer_of(
            str(server.get("signer", "md5_rotating")), self.http.base, str(app_key), str(app_secret)
        )
        self._page_size = int(self._stream.source.get("pageSize", 1000))

    def pages(self) -> Iterator[Page]:
        """Batches of at least one gateway page, up to ``page_rows`` rows, fetched one ahead."""
        answers = self._lookups() if "lookup" in self._stream.source else self._listing()
        with closing(read_ahead(_batches(answers, self.pull.page_rows))) as batches:
            yield from batches
        self.complete = self._stream.load == "snapshot" and "lookup" not in self._stream.source

    def acknowledge(self) -> None:
        """Nothing to tell: asking changes nothing at the gateway."""

    def _listing(self) -> Iterator[Page]:
        previous: Round | None = None
        for _ in range(ROUNDS):
            current = Round(tuple(c.physical_name for c in self._stream.primary_key))
            yield from self._round(current)
            if current.consistent or current.confirms(previous):
                return
            previous = current
        raise Retriable(
            f"{self._where}: pages moved while they were read: {previous}",
            "The source changes faster than it can be paged; the next run tries again, or ask for a larger page size",
        )

    def _round(self, current: Round) -> Iterator[Page]:
        """Every page once, the last one by the newest declaration."""
        number = 1
        while True:
            answer = self._page(number)
            current.add(answer.page.frame, len(answer.page.bad), answer.total)
            if answer.page.frame.height or answer.page.bad:
                yield answer.page
            if number >= answer.pages:
                return
            number += 1

    def _page(self, number: int, **parameters: str) -> Answer:
        """One page, asked for again while it is empty although rows are declared."""
        form = {"pageNum": str(number), "pageSize": str(self._page_size), **parameters}
        if self.pull.since is not None and self._stream.load != "snapshot":
            local = self.pull.since.astimezone(self.pull.server.timezone)
            form["startTime"] = f"{local:%Y-%m-%d %H:%M:%S}"
        first_row = (number - 1) * self._page_size
        for attempt in range(EMPTY_TRIES):
            answer = self._ask(form, first_row)
            rows = answer.page.frame.height + len(answer.page.bad)
            if rows or answer.total <= first_row:
                return answer
            time.sleep(self.http.limits.first_wait * 2**attempt)
        raise Retriable(
            f"{self._where}: page {number} stays empty although {answer.total} rows are declared",
            "The gateway is not ready; the next run tries again",
        )

    def _ask(self, form: dict[str, str], first_row: int) -> Answer:
        signature: Signature | None = None
        code = ""
        for _ in range(SIGNINGS if self._signer.rotates else 1):
            signature = self._signer.sign(self.http, signature)
            code, answer = self.http.post(
                self._path,
                lambda body: self._open(body, first_row),
                form={**form, **signature.form},
                headers=signature.headers,
            )
            if code == OK and answer is not None:
                return answer
            if code not in (BAD_SIGNATURE, SECRET_EXPIRED):
                raise ContractViolation(f"{self._where}: the gateway answered code {code}", "Ask the gateway's owner")
        if code == BAD_SIGNATURE:
            raise Permanent(
                f"{self._where}: the gateway refuses our signature",
                "Check the application key, its secret, its right to this interface, and this machine's clock",
            )
        if self._signer.rotates:
            raise Retriable(f"{self._where}: the gateway's secrets expire as soon as they are given", "Ask its owner")
        raise Permanent(f"{self._where}: the gateway finds our time out of date", "Set this machine's clock (NTP)")

    def _open(self, body: bytes, first_row: int) -> tuple[str, Answer | None]:
        """The envelope's code and, for an accepted call, the page in it; nothing is parsed of a refused one."""
        envelope, records = _split(body, self._where)
        code = str(envelope.get("code"))
        if code != OK:
            return code, None
        try:
            total = int(envelope["totalDataCount"])
            pages = int(envelope.get("totalPage") or 1)
            declared = int(envelope["dataCount"]) if envelope.get("dataCount") is not None else None
        except (KeyError, TypeError, ValueError):
            raise ContractViolation(
                f"{self._where}: the answer declares no counts", "Ask the gateway's owner"
            ) from None
        if isinstance(records, list):
            page = records_page(records, len(body), first_row)
        else:
            page = read_records(records, self._where, first_row)
        got = page.frame.height + len(page.bad)
        if declared is not None and got != declared:
            raise Truncated(f"{self._where}: a page has {got} rows and declares {declared}")
        if page.frame.height:
            require_columns(self._stream, page.frame.columns)
        return code, Answer(Page(page.frame, page.bad, len(body)), total, pages)

    def _lookups(self) -> Iterator[Page]:
        """One call per value; several at a time, in the order of the file."""
        lookup = self._stream.source["lookup"]
        parameter, path = str(lookup["parameter"]), Path(str(resolve_value(lookup["values"])))
        try:
            # The gateway knows identity numbers with an upper-case X only.
            values = [line.strip().upper() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        except OSError:
            raise Permanent(
                f"{self._where}: the file of lookup values cannot be read",
                "Set the variable to a file, one value a line",
            ) from None
        with ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="lookup") as pool:
            chunk = LOOKUP_THREADS * 16
            for start in range(0, len(values), chunk):
                yield from pool.map(lambda v: self._page(1, **{parameter: v}).page, values[start : start + chunk])


def _split(body: bytes, where: str) -> tuple[dict[str, Any], bytes | list[Any]]:
    """The envelope without its records, and the records: as bytes, or parsed where they cannot be cut out.

    ``datas`` comes as a JSON string (encoded twice) or as an array.
    """
    start = body.find(b'"datas":')
    begin, end = start + len(b'"datas":'), body.rfind(b"]") + 1
    try:
        if start >= 0 and body[begin : begin + 1] == b"[" and end > begin:
            envelope = orjson.loads(body[:begin] + b"null" + body[end:])
            return envelope, body[begin:end]
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            envelope = loads_exact(body)
        except ValueError:
            raise Truncated(
                f"{where}: the answer is no whole JSON document",
                "The next run tries again; if it persists ask the owner",
            ) from None
    if not isinstance(envelope, dict) or "code" not in envelope:
        raise ContractViolation(f"{where}: the answer is no gateway envelope", "Ask the gateway's owner")
    records = envelope.get("datas")
    if isinstance(records, str):
        return envelope, records.encode("utf-8", "surrogateescape")
    if records is None or isinstance(records, list):
        return envelope, b"[]" if records is None else records
    raise ContractViolation(f"{where}: datas is neither text nor a list", "Ask the gateway's owner")


def _batches(pages: Iterator[Page], rows: int) -> Iterator[Page]:
    """Small pages joined until a batch would exceed ``rows``: everything after this works on whole columns."""
    waiting: list[Page] = []
    count = 0
    for page in pages:
        if waiting and count + page.frame.height > rows:
            yield _joined(waiting)
            waiting, count = [], 0
        waiting.append(page)
        count += page.frame.height
    if waiting:
        yield _joined(waiting)


def _joined(pages: list[Page]) -> Page:
    frames = [page.frame for page in pages if page.frame.height]
    return Page(
        pl.concat(frames, how="diagonal") if frames else pl.DataFrame(),
        tuple(bad for page in pages for bad in page.bad),
        sum(page.bytes_in for page in pages),
    )


@contextmanager
def open_extraction(pull: Pull) -> Iterator[Extraction]:
    """Open the pull of one gateway interface; see ``connectors.protocols.base``."""
    server = pull.server
    with HttpSource(
        pull.stream.system, server.endpoint, allowed_hosts=server.get("allowedHosts"), probing=pull.probing
    ) as http:
        yield GatewayExtraction(pull, http)
