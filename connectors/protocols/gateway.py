"""The province's and city's data gateway (JSON over HTTPS, signed calls, pages).

Data lie at ``<endpoint>/gateway/api/<dir>/dataSharing/<id>.htm``; the contract's ``source.interface`` is ``dir/id``.
Changes are asked for with ``startTime`` (source time, rows changed at or after it); a lookup interface is asked once
per value of the file that ``source.lookup`` names, as far as the answer to it does not stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from connectors.errors import ContractViolation, Permanent, Retriable, Truncated
from connectors.formats import require_columns
from connectors.formats.json_pages import records_page
from connectors.formats.json_register import read_page
from connectors.protocols.base import Answered, Extraction, Page, Pull
from connectors.protocols.gateway_envelope import Sent, opened, put_together
from connectors.protocols.gateway_token import BAD_SIGNATURE, OK, SECRET_EXPIRED
from connectors.protocols.http import HttpSource
from connectors.protocols.paging import Answer, Reading, changed_since, refuse_empty
from connectors.protocols.signers import Signature, signer_of
from connectors.variables import resolve_value

T = TypeVar("T")

SIGNINGS: Final = 3
"""How often a call is signed whose secret the gateway has forgotten."""

LOOKUP_THREADS: Final = 4


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
        self._reading = Reading(self.pull, self._page)

    def pages(self) -> Iterator[Page]:
        """The gateway's pages one by one."""
        yield from self._lookups() if "lookup" in self._stream.source else self._reading.pages()
        self.complete = self._stream.load == "snapshot" and "lookup" not in self._stream.source

    def again(self) -> Iterator[Page]:
        """What a snapshot's first reading can have missed."""
        return self._reading.again()

    def acknowledge(self) -> None:
        """Nothing to tell: asking changes nothing at the gateway."""

    def _page(self, number: int) -> Answer:
        return self._called(self._form(number), lambda sent: self._read(sent, number))

    def _form(self, number: int, **parameters: str) -> dict[str, str]:
        form = {"pageNum": str(number), "pageSize": str(self._page_size), **parameters}
        since = changed_since(self.pull)
        return form if since is None else {**form, "startTime": since}

    def _called(self, form: dict[str, str], read: Callable[[Sent], T]) -> T:
        """What `read`, which is part of the try, makes of the answer to a call that the gateway accepts."""

        def opened_and_read(body: bytes) -> tuple[str, T | None]:
            code, sent = opened(body, self._where)
            return code, None if sent is None else read(sent)

        signature: Signature | None = None
        code = ""
        for _ in range(SIGNINGS if self._signer.rotates else 1):
            signature = self._signer.sign(self.http, signature)
            code, answer = self.http.post(
                self._path, opened_and_read, form={**form, **signature.form}, headers=signature.headers
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

    def _read(self, sent: Sent, number: int) -> Answer:
        first_row = (number - 1) * self._page_size
        if isinstance(sent.records, list):
            page = records_page(sent.records, sent.size, first_row)
        else:
            page = read_page(sent.records, self._where, first_row, self.pull)
        got = page.rows + len(page.bad)
        if sent.declared is not None and got != sent.declared:
            raise Truncated(f"{self._where}: a page has {got} rows and declares {sent.declared}")
        refuse_empty(self._where, page, number, first_row, sent.total)
        if page.frame.height:
            require_columns(self._stream, page.frame.columns)
        return Answer(replace(page, bytes_in=sent.size), sent.total, sent.pages)

    def _lookups(self) -> Iterator[Page]:
        """One call per value that is due; several at a time, and what they brought put together."""
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
        asked = self.pull.due(list(dict.fromkeys(values)))
        columns = [column.physical_name for column in self._stream.columns]

        def ask(value: str) -> Sent | Page:
            form = self._form(1, **{parameter: value})
            return self._called(form, lambda sent: sent if sent.is_plain(columns) else self._only(sent))

        def ask_alone(value: str) -> Page:
            return self._called(self._form(1, **{parameter: value}), self._only)

        with ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="lookup") as pool:
            chunk = LOOKUP_THREADS * 16
            for start in range(0, len(asked), chunk):
                some = asked[start : start + chunk]
                yield from self._answered(dict(zip(some, pool.map(ask, some), strict=True)), ask_alone)

    def _only(self, sent: Sent) -> Page:
        """The one page of a value."""
        answer = self._read(sent, 1)
        if answer.total > answer.page.rows + len(answer.page.bad):
            raise ContractViolation(
                f"{self._where}: the answer to one value has {answer.total:,} rows, more than a page",
                "Raise the pageSize of the contract's source, or ask the owner what it sends",
            )
        return answer.page

    def _answered(self, answers: dict[str, Sent | Page], ask_alone: Callable[[str], Page]) -> Iterator[Page]:
        """The answers as pages: to read those of a row or two one by one costs ten times as much as together.

        As many records came together as were declared, and none had more than its own: so each had just these. Where
        that does not hold the values are asked once more.
        """
        plain = {value: sent for value, sent in answers.items() if isinstance(sent, Sent)}
        together = read_page(put_together(list(plain.values())), self._where, 0, self.pull)
        whole = not together.bad and together.rows == sum(sent.total for sent in plain.values())
        if whole and plain:
            told = tuple(Answered(value, sent.total, 0) for value, sent in plain.items())
            yield replace(together, bytes_in=sum(sent.size for sent in plain.values()), answers=told)
        for value, answer in answers.items():
            if isinstance(answer, Page) or not whole:
                page = answer if isinstance(answer, Page) else ask_alone(value)
                yield replace(page, answers=(Answered(value, page.rows, len(page.bad)),))


@contextmanager
def open_extraction(pull: Pull) -> Iterator[Extraction]:
    """Open the pull of one gateway interface; see ``connectors.protocols.base``."""
    server = pull.server
    with HttpSource(
        pull.stream.system, server.endpoint, allowed_hosts=server.get("allowedHosts"), probing=pull.probing
    ) as http:
        yield GatewayExtraction(pull, http)
