"""The one interface between a protocol and intake.

A protocol module has one function, `open_extraction(pull) -> ContextManager[Extraction]`. It knows how to ask
one kind of interface for the rows of one stream and nothing about what the rows mean: values leave it as they
were received (decoded, not interpreted), in columns named as the upstream names them. It may have `prepare()`, which is
called before the threads of a run begin and imports what the first pull would import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import polars as pl

from connectors.contract import Server, Stream
from connectors.raw_records import Known, RawRecords


@dataclass(frozen=True)
class BadRecord:
    """A record that never became a row (an undecodable line, a broken XML element).

    `raw` is what was received, as text (undecodable bytes as `\\xNN`); `reason` a code of `connectors.reasons`.
    """

    row_no: int
    raw: str
    reason: str


@dataclass(frozen=True)
class Answered:
    """What a look-up brought for one value: so many rows of its page, in the order of the answers, and bad records."""

    value: str
    rows: int
    bad: int


@dataclass(frozen=True)
class Page:
    """A batch of rows as received: columns named by physicalName, all of them String.

    `answers` of a look-up: whose rows they are. With `records` the frame has only those rows of the page that are not
    known from before. Of a `clean` page the format has seen that none of the frame's texts begins or ends with a blank,
    is empty or too long, or holds U+0000 or U+FFFD: conform looks no more for these.
    """

    frame: pl.DataFrame
    bad: tuple[BadRecord, ...] = ()
    bytes_in: int = 0
    answers: tuple[Answered, ...] = ()
    records: RawRecords | None = None
    clean: bool = False

    @property
    def rows(self) -> int:
        """Rows that came, parsed or not; bad records are none."""
        return self.frame.height if self.records is None else len(self.records)


@dataclass(frozen=True)
class Pull:
    """What is asked of a protocol: the stream, its server with secrets resolved, and where the last pull ended.

    `since` is the highest cursor value that was landed (aware), for protocols that can ask for changes only;
    `state` is what the protocol itself left in `Extraction.state` after the last committed pull. With `afresh`
    everything is asked for again, also what was acknowledged; where the contract reads it otherwise than before, only
    `lasting` is left of `state`. A `probing` pull tries once until the source has answered: its last loads failed, and
    the others are waiting. A look-up asks
    only those of its values that `due` gives back; see `connectors.lookups`. `known`, of a register, tells what is
    known of records by their bytes; see `connectors.raw_records`.
    """

    stream: Stream
    server: Server
    since: datetime | None = None
    state: dict[str, Any] = field(default_factory=dict)
    page_rows: int = 50_000
    afresh: bool = False
    probing: bool = False
    due: Callable[[list[str]], list[str]] = list
    known: Known | None = None


class Dated(Protocol):
    """An extraction whose source does not answer: its files or messages lie there, however long ago they came."""

    source_time: datetime | None
    """After the last page: when the source last spoke, None where it cannot be told any more or never did."""


class Moving(Protocol):
    """An extraction whose rows can move out of sight while it is read: what is absent is looked for once more."""

    def again(self) -> Iterator[Page]:
        """What the pages lacked, before its absence is taken for deletion; `complete` holds for both together."""
        ...


class Extraction(Protocol):
    """One pull in progress; a context manager gives it and closes what it opened."""

    state: dict[str, Any]
    """JSON-able position to be committed with the rows (file names seen, inbox position); valid after the last page."""

    complete: bool
    """After the last page: True when the pages were the whole of the source, so that absence means deletion."""

    def pages(self) -> Iterator[Page]: ...

    def acknowledge(self) -> None:
        """Tell the source that the rows are committed here. Called after the commit; safe to repeat."""
