"""The province's and city's data gateway (JSON over HTTPS, signed calls, pages).

Data lie at ``<endpoint>/gateway/api/<dir>/dataSharing/<id>.htm``; the contract's ``source.interface`` is ``dir/id``.
Changes are asked for with ``startTime`` (source time, rows changed at or after it); a lookup interface is asked once
per value of the file that ``source.lookup`` names, as far as the answer to it does not stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from connectors.errors import ContractViolation, Permanent, Retriable, Truncated
from connectors.formats import require_columns
from connectors.formats.json_pages import cut_array, records_page
from connectors.formats.json_register import read_page
from connectors.protocols.base import Answered, Extraction, Page, Pull
from connectors.protocols.gateway_token import BAD_SIGNATURE, OK, SECRET_EXPIRED
from connectors.protocols.http import HttpSource
from connectors.protocols.paging import Answer, Reading, changed_since, refuse_empty
from connectors.protocols.signers import Signature, signer_of
from connectors.variables import resolve_value

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

    def _page(self, number: int, **parameters: str) -> Answer:
        form = {"pageNum": str(number), "pageSize": str(self._page_size), **parameters}
        since = changed_since(self.pull)
        if since is not None:
            form["startTime"] = since
        return self._ask(form, number)

    def _ask(self, form: dict[str, str], number: int) -> Answer:
        signature: Signature | None = None
        code = ""
        for _ in range(SIGNINGS if self._signer.rotates else 1):
            signature = self._signer.sign(self.http, signature)
            code, answer = self.http.post(
                self._path,
                lambda body: self._open(body, number),
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

    def _open(self, body: bytes, number: int) -> tuple[str, Answer | None]:
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
        first_row = (number - 1) * self._page_size
        if isinstance(records, list):
            page = records_page(records, len(body), first_row)
        else:
            page = read_page(records, self._where, first_row, self.pull)
        got = page.rows + len(page.bad)
        if declared is not None and got != declared:
            raise Truncated(f"{self._where}: a page has {got} rows and declares {declared}")
        refuse_empty(self._where, page, number, first_row, total)
        if page.frame.height:
            require_columns(self._stream, page.frame.columns)
        return code, Answer(replace(page, bytes_in=len(body)), total, pages)

    def _lookups(self) -> Iterator[Page]:
        """One call per value that is due; several at a time, in the order of the file."""
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

        def answer(value: str) -> Page:
            page = self._page(1, **{parameter: value}).page
            return replace(page, answers=(Answered(value, page.rows, len(page.bad)),))

        with ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="lookup") as pool:
            chunk = LOOKUP_THREADS * 16
            for start in range(0, len(asked), chunk):
                yield from pool.map(answer, asked[start : start + chunk])


def _split(body: bytes, where: str) -> tuple[dict[str, Any], bytes | list[Any]]:
    """The envelope without its records, and the records: as bytes, or parsed where they cannot be cut out.

    ``datas`` comes as a JSON string (encoded twice) or as an array.
    """
    try:
        envelope, cut = cut_array(body, "datas")
    except ValueError:
        raise Truncated(
            f"{where}: the answer is no whole JSON document", "The next run tries again; if it persists ask the owner"
        ) from None
    if not isinstance(envelope, dict) or "code" not in envelope:
        raise ContractViolation(f"{where}: the answer is no gateway envelope", "Ask the gateway's owner")
    records = envelope.get("datas")
    if cut is not None:
        return envelope, cut
    if isinstance(records, str):
        return envelope, records.encode("utf-8", "surrogateescape")
    if records is None or isinstance(records, list):
        return envelope, b"[]" if records is None else records
    raise ContractViolation(f"{where}: datas is neither text nor a list", "Ask the gateway's owner")


@contextmanager
def open_extraction(pull: Pull) -> Iterator[Extraction]:
    """Open the pull of one gateway interface; see ``connectors.protocols.base``."""
    server = pull.server
    with HttpSource(
        pull.stream.system, server.endpoint, allowed_hosts=server.get("allowedHosts"), probing=pull.probing
    ) as http:
        yield GatewayExtraction(pull, http)
