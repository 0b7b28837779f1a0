"""Taking in one stream: pull pages, conform them, land them, commit, acknowledge.

Pages are fetched in a thread of their own and conformed in a second one, so that the upstream's answer, our rules and
PostgreSQL's COPY overlap. The source is asked before the current versions of a register are read: neither needs the
other until the first page is there.
Order matters at the end: the source is told that the rows were taken only after they are committed. A crash in
between, or a source that cannot be told, means that they are sent again and recognised as unchanged.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import polars as pl
import psycopg

from connectors import outages
from connectors.conform import Conformed, Conformer, empty_rejects
from connectors.contract import Contract, Stream
from connectors.errors import IntakeError, Retriable, Unwell
from connectors.held_loads import Allowed, Held
from connectors.landed import Landed, commit
from connectors.landing import Batch, Lander
from connectors.lookups import Lookups
from connectors.pace import Pace
from connectors.pipeline import Clock, ahead, begun, in_chunks, timed
from connectors.position import Position
from connectors.protocols import open_extraction
from connectors.protocols.base import BadRecord, Extraction, Page, Pull
from connectors.raw_records import Found
from connectors.received import Received, is_kept
from connectors.refusals import without_text
from connectors.variables import resolve_server
from connectors.version_runs import Hashes
from warehouse import crash, ledger, load_history
from warehouse.errors import StreamBusy, WarehouseUnreachable
from warehouse.lending import Lender
from warehouse.settings import settings

ATTEMPTS = 3
LONGEST_PAUSE = 10.0
"""Seconds that a pull waits before it tries again by itself."""
CHUNK_ROWS = 10_000
"""Several of these are under way at once, as texts or typed: with 12,500 a pull holds five to ten MiB more. Each costs
3 to 4 ms of conforming and hashing besides its rows."""


@dataclass(frozen=True)
class LoadResult:
    """One pull of one stream, as the ledger has it."""

    system: str
    stream: str
    load_id: int
    state: str
    rows_in: int = 0
    landed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    tombstoned: int = 0
    bytes_in: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    defects: list[tuple[str, str, str, int]] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)


def run_stream(
    contract: Contract, stream: Stream, *, run_id: str, pace: Pace | None = None, lender: Lender | None = None
) -> LoadResult:
    """Pull a stream once and land what is new.

    Raises `IntakeError` after the load was recorded as failed; nothing of it is landed then, and the cursor stands
    where it stood. A source whose last loads failed is asked once instead of `ATTEMPTS` times (`Unwell`). A committed
    load whose source could not be told has the note `not_acknowledged`. `lender`: of connections of the loader, where
    other streams are pulled before and after.
    """
    pace = pace or Pace()
    with nullcontext(lender) if lender else Lender("loader") as lender:
        return _attempts(contract, stream, run_id, pace, lender)


def _attempts(contract: Contract, stream: Stream, run_id: str, pace: Pace, lender: Lender) -> LoadResult:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _attempt(contract, stream, run_id, pace, lender)
        except Unwell:
            raise
        except Retriable as error:
            # A source that asks for a longer pause is left to the next schedule, not asked again before its time.
            if attempt == ATTEMPTS or (error.retry_after or 0) > LONGEST_PAUSE:
                raise
            with pace.waiting():
                time.sleep(error.retry_after or 0.5 * 2**attempt)
    raise AssertionError("unreachable")


def _attempt(contract: Contract, stream: Stream, run_id: str, pace: Pace, lender: Lender) -> LoadResult:
    pace.begin()
    try:
        with (
            lender.connect(autocommit=True) as books,
            ledger.stream_lock(books, stream.system, stream.name),
        ):
            return _locked_attempt(books, contract, stream, run_id, pace, lender)
    except StreamBusy:
        return LoadResult(stream.system, stream.name, 0, "skipped")
    except outages.TROUBLE as error:
        # The lock went with its connection. What was committed by then is recognised as unchanged.
        raise outages.as_intake_error(stream, error) from error


def _locked_attempt(
    books: psycopg.Connection, contract: Contract, stream: Stream, run_id: str, pace: Pace, lender: Lender
) -> LoadResult:
    probing = load_history.in_trouble(books, stream.system, stream.name)
    load_id = ledger.open_load(
        books, system=stream.system, stream=stream.name, contract_version=contract.version, run_id=run_id
    )
    crash.point("intake.opened")
    try:
        return _entered(books, contract, stream, load_id, pace, lender, probing)
    except outages.TROUBLE as error:
        return _after_database_error(stream, load_id, pace, error)


def _entered(
    books: psycopg.Connection,
    contract: Contract,
    stream: Stream,
    load_id: int,
    pace: Pace,
    lender: Lender,
    probing: bool,
) -> LoadResult:
    """Pull, and enter how it ended; the warehouse's own trouble is the caller's."""
    try:
        cursor = ledger.cursor(books, stream.system, stream.name) or {}
        return _pull(books, contract, stream, load_id, cursor, pace, lender, probing)
    except Held as error:
        ledger.hold(books, load_id, stream.system, stream.name, error.kind, error.detail)
        ledger.fail_load(books, load_id, str(error), state="held")
        return LoadResult(stream.system, stream.name, load_id, "held")
    except Retriable as error:
        told = Unwell.after(error, load_history.TROUBLE_AFTER) if probing else error
        ledger.fail_load(books, load_id, str(told), notes=load_history.TROUBLE)
        raise told from error.__cause__
    except IntakeError as error:
        ledger.fail_load(books, load_id, str(error))
        raise
    except outages.TROUBLE:
        raise
    except Exception as error:
        ledger.fail_load(books, load_id, f"{type(error).__name__}: the load broke off; see the run's log")
        raise


def _after_database_error(
    stream: Stream, load_id: int, pace: Pace, error: psycopg.Error | WarehouseUnreachable
) -> LoadResult:
    """A connection lost around COMMIT leaves the outcome open: it is looked up, not guessed."""
    with outages.reconnect(pace) as books:
        if ledger.load_state(books, load_id) == "committed":
            return LoadResult(stream.system, stream.name, load_id, "committed")
        ledger.fail_load(books, load_id, f"PostgreSQL: {outages.reason_of(error)}")
    raise outages.as_intake_error(stream, error) from error


def _pull(
    books: psycopg.Connection,
    contract: Contract,
    stream: Stream,
    load_id: int,
    cursor: dict[str, Any],
    pace: Pace,
    lender: Lender,
    probing: bool,
) -> LoadResult:
    clock = Clock()
    server = resolve_server(contract.server_of(stream))
    position = Position.read(cursor, contract, stream, server, settings().as_of())
    asks = "lookup" in stream.source
    lookups = Lookups.begin(books, stream, settings().as_of(), afresh=position.afresh) if asks else None
    received: Received | None = None
    standing: Future[Received] = Future()  # asked by the thread that fetches, which waits for it at its first page

    def known(hashes: Hashes) -> Found:
        return standing.result().find(hashes)

    pull = Pull(
        stream, server, since=position.since, state=position.state, page_rows=CHUNK_ROWS,
        afresh=position.afresh, probing=probing, due=lookups.due if lookups else list,
        known=known if is_kept(stream) else None,
    )  # fmt: skip
    conform = Conformer(stream, server)
    released = {
        kind: ledger.released_hold(books, stream.system, stream.name, kind, cadence_seconds=contract.cadence_seconds)
        for kind in ("mass_delete", "volume_collapse")
    }
    with ExitStack() as open_now:
        extraction = open_now.enter_context(open_extraction(pull))
        conn = open_now.enter_context(lender.connect())
        name = f"{stream.system}.{stream.name}"
        pages = in_chunks(pace.pages(extraction.pages(), name), CHUNK_ROWS)
        fetched = open_now.enter_context(begun(pages, "intake-fetch"))
        open_now.callback(standing.cancel)  # first of all: the fetching thread may be waiting for it
        lander = open_now.enter_context(
            Lander(conn, stream, load_id, contract.version, rekey=position.rekey, reclock=position.reclock)
        )
        if is_kept(stream):
            received = Received.begin(conn, stream, server, load_id, lander.standing, afresh=position.afresh)
            standing.set_result(received)
        bytes_in = 0

        def take(pages: Iterator[Page]) -> None:
            nonlocal bytes_in
            made = _batches(pages, conform, stream, clock, lookups, received, before=lander.result.rows_in)
            for batch, size in ahead(made, "intake-conform"):
                bytes_in += size
                crash.point("intake.page")
                with clock("land"):
                    lander.add_batch(batch)
                    if received is not None and received.keep(batch):
                        lander.free()
                        received.write()
                del batch
                pace.progress(lander.result.rows_in)

        take(fetched)
        if extraction.complete and lander.missed and (again := getattr(extraction, "again", None)):
            take(in_chunks(pace.pages(again(), name), CHUNK_ROWS))  # see `protocols.base.Moving`
        crash.point("intake.all_pages")
        with clock("land"):
            landed = lander.finish(
                complete=extraction.complete,
                allowed=Allowed(
                    deletes=ledger.allowed_rows(books, released["mass_delete"]) if released["mass_delete"] else 0,
                    good=ledger.least_good_rows(books, released["volume_collapse"])
                    if released["volume_collapse"]
                    else None,
                ),
            )
            if lookups is not None:
                landed.lookups = lookups.keep(conn, load_id)
            landed.messages_missing = position.gap if position.restored else None
            if received is not None:
                received.finish()
            crash.point("intake.before_commit")
            for kind, hold_id in released.items():
                # A whole answer is what a release was about, also where it needs none any more.
                if hold_id is not None and (extraction.complete or kind in landed.let_through):
                    ledger.use_hold(conn, hold_id, load_id)
            commit(
                conn,
                load_id,
                landed,
                cursor=position.after(landed, extraction.state),
                bytes_in=bytes_in,
                seconds=clock.seconds,
                source_time=_source_time(conn, stream, extraction, landed),
            )
        crash.point("intake.before_acknowledge")
        unheard = _acknowledge(books, load_id, extraction, pace)
        crash.point("intake.acknowledged")
    clock.rest("extract")
    return _result(stream, load_id, landed, bytes_in, clock, unheard)


def _acknowledge(books: psycopg.Connection, load_id: int, extraction: Extraction, pace: Pace) -> dict[str, Any]:
    """Tell the source that its rows are committed here; notes of the load where it could not be told.

    Nothing is lost by that, so the load stands and is not tried again: the rows come once more with the next pull and
    are unchanged.
    """
    try:
        with pace.waiting():
            extraction.acknowledge()
    except IntakeError as error:
        notes = {"not_acknowledged": str(error).replace("\0", "")[:4000]}
        ledger.add_notes(books, load_id, notes)
        return notes
    return {}


def _batches(
    pages: Iterator[Page],
    conform: Conformer,
    stream: Stream,
    clock: Clock,
    lookups: Lookups | None = None,
    known: Received | None = None,
    before: int = 0,
) -> Iterator[tuple[Batch, int]]:
    """Batches ready to be landed, with the bytes that they came in; so many rows and records came `before` them."""

    def judged(page: Page) -> Batch:
        batch = known.batch(page, conform) if known else Batch.of(conform(page.frame, clean=page.clean), stream)
        conformed = batch.page
        rejected = conformed.rejected["row_no"]
        # Rows are counted over the whole pull, as the protocols count the records that never became rows.
        conformed.rejected = conformed.rejected.with_columns(pl.col("row_no") + before)
        bad = without_text(page.bad) if stream.refusals else page.bad
        if lookups is not None:
            lookups.judge(page.answers, rejected, batch.keys)
        return replace(batch, page=_with_bad_records(conformed, bad))

    for page in timed(pages, clock, "extract"):
        with clock("conform"):
            hand = [(judged(page), page.bytes_in)]
        before += page.rows + len(page.bad)
        del page
        yield hand.pop()


def _result(
    stream: Stream, load_id: int, landed: Landed, bytes_in: int, clock: Clock, notes: dict[str, Any]
) -> LoadResult:
    reasons = {
        f"{column}:{reason}": rows
        for (column, reason, outcome), rows in sorted(landed.outcomes.items())
        if outcome == "quarantined"
    }
    return LoadResult(
        stream.system,
        stream.name,
        load_id,
        "committed",
        rows_in=landed.rows_in,
        landed=landed.landed,
        unchanged=landed.unchanged,
        quarantined=landed.quarantined,
        tombstoned=landed.tombstoned,
        bytes_in=bytes_in,
        seconds=dict(clock.seconds),
        reasons=reasons,
        defects=landed.defects,
        notes=landed.notes | notes,
    )


def _source_time(conn: psycopg.Connection, stream: Stream, extraction: Extraction, landed: Landed) -> datetime | None:
    """When the source last spoke, None for now: where it answers, or something came, that is the sign of life.

    A source that was not heard in this pull is as old as it was; see `protocols.base.Dated`.
    """
    if not hasattr(extraction, "source_time"):
        return None
    if extraction.source_time is None and landed.landed + landed.tombstoned:
        return None
    return extraction.source_time or load_history.last_heard(conn, stream.system, stream.name)


def _with_bad_records(conformed: Conformed, bad: tuple[BadRecord, ...]) -> Conformed:
    """Records that never became rows stand beside the rows that broke a rule."""
    if not bad:
        return conformed
    rejected = pl.DataFrame(
        {
            "row_no": [record.row_no for record in bad],
            "record_key": [None] * len(bad),
            "payload": [record.raw for record in bad],
            "reasons": [[record.reason] for record in bad],
            "version_number": [None] * len(bad),
            "whole": [False] * len(bad),
        },
        schema=empty_rejects().schema,
    )
    for record in bad:
        conformed.outcomes[("", record.reason, "quarantined")] += 1
    return replace(conformed, rejected=pl.concat([conformed.rejected, rejected]))
