"""Runs the corpus through the hub's own readers, protocols and conform rules, and says where an end is not as declared.

`python -m tests.corpus.run [PREFIX]` runs it in a process of its own and prints what `run_all` gives.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import polars as pl

from bench._peaks import peak_kib
from connectors.conform import Conformed, Conformer
from connectors.contract import Contract, Server, Stream
from connectors.errors import IntakeError
from connectors.formats.messages import MessageBatch
from connectors.intake import CHUNK_ROWS, _batches
from connectors.pace import Pace
from connectors.pipeline import Clock, in_chunks
from connectors.protocols import catalogue_api, gateway, http, mqtt, soap, webhook_receiver
from connectors.protocols.base import Page, Pull
from connectors.protocols.sftp import FORMATS
from tests.corpus import calls, files, messages, workbooks
from tests.corpus.cases import CANARY, NOW, Case, Read, Refused, server, stream

SECRET = secrets.token_hex(16)


def corpus() -> list[Case]:
    """Every case, in a fixed order; names are unique."""
    return [
        *files.csv_cases(),
        *files.geojson_cases(),
        *workbooks.excel_cases(),
        *calls.call_cases(),
        *messages.message_cases(),
        *messages.webhook_cases(),
    ]


class Upstream:
    """An HTTP server on loopback that answers every data call with the body of the case under way."""

    def __init__(self) -> None:
        self.body: Sequence[bytes] = (b"",)
        self.options: dict[str, Any] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.answer(self, form)

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler, form: bytes) -> None:
        body, options = self.body, self.options
        if request.path == catalogue_api.PATH:
            call = json.loads(json.loads(parse_qs(form.decode())["param"][0])["biz_content"])["call"]
            if call != "page":
                data = {"sign": "s", "expiresIn": 600, "total": 6, "updateTime": "2026-05-01 08:00:00"}
                body, options = [json.dumps({"code": "10000", "data": data}).encode()], {}
        elif b"Acknowledge>" in form:
            told = f'<s:Envelope xmlns:s="{calls.SOAP}"><s:Body><AcknowledgeResponse/></s:Body></s:Envelope>'
            body, options = [told.encode()], {}
        request.send_response(options.get("status", 200))
        headers = {"Content-Type": "text/xml", "Content-Length": str(sum(map(len, body))), **options.get("headers", {})}
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        with contextlib.suppress(OSError):  # the hub hangs up on floods
            request.wfile.writelines(body)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Pages:
    """An extraction whose pages are there already."""

    made: Callable[[], Iterator[Page]]
    state: dict[str, Any] = field(default_factory=dict)
    complete: bool = False

    def pages(self) -> Iterator[Page]:
        return self.made()

    def acknowledge(self) -> None: ...


@dataclass(frozen=True)
class Runner:
    """Takes cases in, with downloads in `work` and calls to `upstream`."""

    work: Path
    upstream: Upstream

    def conformed(self, case: Case) -> list[Conformed]:
        """The pages of a case as intake conforms them. Raises what intake would raise."""
        with self._opened(case) as (extraction, of, its_server):
            conformer = Conformer(of, its_server, now=NOW)
            pages = in_chunks(Pace().pages(extraction.pages(), of.name), CHUNK_ROWS)
            return [batch.page for batch, _ in _batches(pages, conformer, of, Clock())]

    @contextlib.contextmanager
    def _opened(self, case: Case) -> Iterator[tuple[Any, Stream, Server]]:
        options = dict(case.options)
        if case.shape in FORMATS:
            yield self._file(case, options)
            return
        protocol = {"gateway": gateway, "catalogue": catalogue_api, "soap": soap}.get(case.shape)
        of = stream(case.shape, interface="a/b", pageSize=10_000_000)
        its_server = server(
            case.shape, endpoint=self.upstream.url, encoding=options.get("encoding", "utf-8"), signer="sha1",
            appKey="k", appSecret=SECRET, appId="k", username="u", password=SECRET,
        )  # fmt: skip
        if protocol is not None:
            body = case.body()
            self.upstream.body, self.upstream.options = [body] if isinstance(body, bytes) else body, options
            with protocol.open_extraction(Pull(of, its_server, probing=True)) as extraction:  # type: ignore[attr-defined]
                if hasattr(extraction, "http"):
                    extraction.http.limits = http.Limits(attempts=1)  # what is broken stays broken
                yield extraction, of, its_server
        elif case.shape == "message":
            yield Pages(lambda: _messages(of, case.body())), of, its_server
        else:
            yield Pages(lambda: _delivered(of, case)), of, its_server

    def _file(self, case: Case, options: dict[str, Any]) -> tuple[Any, Stream, Server]:
        encoding = options.pop("encoding", "utf-8")
        of = stream(case.shape, format=case.shape, **options)
        if options.get("grouped"):
            of = workbooks.grouped(of)
        path = self.work / f"case.{case.shape}"
        body = case.body()
        with path.open("wb") as file:
            file.writelines([body] if isinstance(body, bytes) else body)
        del body
        return Pages(lambda: FORMATS[case.shape](path, of, encoding, 50_000).pages()), of, server("sftp")


def _messages(of: Stream, payloads: list[bytes]) -> Iterator[Page]:
    """As the inbox reads them, after the cap that MQTT and AMQP have on a message."""

    class Message:
        def __init__(self, payload: bytes) -> None:
            self.payload = payload

    batch = MessageBatch(of, 0)
    for payload in payloads:
        batch.add(mqtt._payload(Message(payload)))  # type: ignore[arg-type]
    yield batch.page()


def _delivered(of: Stream, case: Case) -> Iterator[Page]:
    """Deliver to the receiver's application, which must refuse with the status and store nothing."""
    from starlette.testclient import TestClient

    hook = server("webhook", secret=SECRET)
    contract = Contract(
        "corpus", "", "1.0.0", "", "", "", "", "", (), 1, 1, 1, {"any": hook},
        {"webhook": Stream("corpus", "webhook", "records", "changes", of.columns, server_name="any")},
    )  # fmt: skip

    def never() -> Any:
        raise AssertionError("the delivery was stored")

    body, more = case.body(), dict(case.options["headers"])
    moment, nonce = more.get("X-Timestamp", str(time.time_ns() // 1_000_000)), secrets.token_hex(8)
    path = more.pop("path", "/hooks/corpus")
    signed = webhook_receiver.sign(SECRET, path, moment, nonce, body)
    headers = {"X-Timestamp": moment, "X-Nonce": nonce, "X-Signature": signed, **more}
    sent = {name: value.encode("latin-1") for name, value in headers.items()}
    with TestClient(webhook_receiver.receiver_app({"corpus": contract}, never)) as client:
        answer = client.post(path, content=body, headers=sent)  # type: ignore[arg-type]
    assert answer.status_code == case.options["status"], f"HTTP {answer.status_code}: {answer.text[:100]}"
    raise PermissionError(answer.text)
    yield


def judge(case: Case, runner: Runner) -> list[str]:
    """What is not as the case declares; empty when all is."""
    try:
        pages = runner.conformed(case)
    except Exception as error:
        return _judge_error(case, error)
    if isinstance(case.ends, Refused):
        return [f"it was read, and not refused with {case.ends.error.__name__}"]
    return list(_judge_rows(case.ends, pages))


def _judge_error(case: Case, error: Exception) -> list[str]:
    said = f"{type(error).__name__}: {error}"[:300]
    if isinstance(case.ends, Read):
        return [f"it was refused ({said})"]
    wrong = []
    if not isinstance(error, case.ends.error) or case.ends.says not in str(error):
        wrong.append(f"it ended with {said}; declared is {case.ends.error.__name__}: {case.ends.says}")
    if isinstance(error, IntakeError) and case.ends.remedy not in error.remedy:
        wrong.append(f"the remedy is {error.remedy!r}; declared is {case.ends.remedy!r}")
    if CANARY in str(error):
        wrong.append("the message tells the content of a file")
    return wrong


def _judge_rows(ends: Read, pages: list[Conformed]) -> Iterator[str]:
    accepted = pl.concat([page.accepted for page in pages]) if pages else pl.DataFrame()
    rejected = [row for page in pages for row in page.rejected.to_dicts()]
    if len(accepted) + len(rejected) != ends.rows:
        yield f"{len(accepted)} rows landed and {len(rejected)} held, {ends.rows} came in"
    if len(rejected) != len(ends.held):
        yield f"{len(rejected)} rows are held, declared are {len(ends.held)}: {[row['reasons'] for row in rejected]}"
    left = list(rejected)
    for key, reason in ends.held:
        match = next((row for row in left if _is_meant(row, key, reason)), None)
        if match is None:
            yield f"no row {key} is held for {reason}: {[(row['record_key'], row['reasons']) for row in rejected][:3]}"
        else:
            left.remove(match)
    for (key, column), value in ends.values.items():
        landed = accepted.filter(pl.col("id") == key).get_column(column).to_list() if accepted.width else []
        if landed != [value]:
            yield f"{column} of {key} is {str(landed)[:120]} and not {str(value)[:120]}"
    texts = [row["payload"] for row in rejected] + [str(accepted.to_dicts())] if len(accepted) < 100 else []
    if any(CANARY in text for text in texts):
        yield "a row tells the content of a file"


def _is_meant(row: dict[str, Any], key: str | None, reason: str) -> bool:
    if key is not None and key not in row["payload"]:
        return False
    column, _, kind = reason.rpartition(":")
    return any(found in (reason, kind) or (not column and kind in found) for found in row["reasons"])


@contextlib.contextmanager
def running(work: Path) -> Iterator[Runner]:
    upstream = Upstream()
    try:
        yield Runner(work, upstream)
    finally:
        upstream.close()


class Watch:
    """What the process opens for writing, makes, removes or connects to outside of what it may; for good, once set up.

    Files that a native library writes do not show here, therefore the runner also compares the folder around `work`.
    """

    _CHANGES: Final = frozenset(
        {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate", "os.chmod"}
    )

    def __init__(self, work: Path, port: int) -> None:
        self.seen: list[str] = []
        self._work, self._port = str(work), port
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (flags or 0) & (os.O_WRONLY | os.O_RDWR)
            if writes and not isinstance(path, int):
                self._changed(event, path)
        elif event in self._CHANGES:
            self._changed(event, arguments[0])
        elif event == "socket.connect":
            where = arguments[1]
            if not isinstance(where, tuple) or where[:2] != ("127.0.0.1", self._port):
                self.seen.append(f"{event} {where}")
        elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn") or (
            event == "socket.getaddrinfo" and arguments[:2] != ("127.0.0.1", self._port)
        ):
            self.seen.append(f"{event} {arguments[0]}")

    def _changed(self, event: str, path: Any) -> None:
        place = os.path.realpath(os.fsdecode(path))
        if not place.startswith(self._work + os.sep) and place != os.devnull:
            self.seen.append(f"{event} {place}")


def _let_go() -> None:
    """Give back what the allocator keeps of a case, as between two runs: the next case shall not pay for it."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def run_all(folder: Path, wanted: str = "") -> dict[str, Any]:
    """Run the cases whose names begin with `wanted`, with `folder`/work as the work folder.

    Gives `wrong` (name → what is not as declared), `escaped` (writes and connections beside it), `peak_mib` of the
    process, and `slow`.
    """
    work = folder / "around" / "work"
    work.mkdir(parents=True)
    wrong: dict[str, list[str]] = {}
    slow: list[tuple[float, str]] = []
    peaks: list[tuple[float, str]] = []
    with running(work) as runner:
        judge(files.csv_cases()[0], runner)  # what is imported late
        watch = Watch(work, int(runner.upstream.url.rpartition(":")[2]))
        for case in corpus():
            if not case.name.startswith(wanted):
                continue
            began = time.perf_counter()
            found = judge(case, runner)
            _let_go()
            if found:
                wrong[case.name] = found
            slow.append((round(time.perf_counter() - began, 2), case.name))
            peaks.append((round(peak_kib() / 1024), case.name))
        escaped = list(watch.seen)
    there = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    allowed = {"around", "around/work"} | {f"around/work/case.{kind}" for kind in FORMATS}
    raised = [(b, name) for (a, _), (b, name) in pairwise(peaks) if b > a + 20]
    return {
        "cases": len(slow),
        "wrong": wrong,
        "escaped": escaped + sorted(there - allowed),
        "peak_mib": peaks[-1][0],
        "raised": raised,
        "slow": sorted(slow)[-10:],
    }


def main() -> None:
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(run_all(Path(folder).resolve(), sys.argv[1] if len(sys.argv) > 1 else ""), ensure_ascii=False))


if __name__ == "__main__":
    main()
