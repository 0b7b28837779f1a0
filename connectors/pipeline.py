"""The stages of a pull side by side: pages put together, fetched and conformed ahead, each stage with its clock.

A stage gives away what it hands on (`yield hand.pop()`): a name for it would keep megabytes of rows here while others
work on them.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import polars as pl

from connectors.protocols.base import Page
from connectors.raw_records import joined

Item = TypeVar("Item")

LOOSE_PAGES = 256
"""So many pages are held one by one: a page of one row takes 40 KB, and an answer to a look-up can be one."""


class Clock:
    """Seconds spent per step of the pull."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

        self._began = time.perf_counter()

    def __call__(self, step: str) -> _Lap:
        return _Lap(self, step)

    def rest(self, step: str) -> None:
        """Count as `step` what the wall clock leaves besides the others: opening, waiting, acknowledging."""
        others = sum(seconds for name, seconds in self.seconds.items() if name != step)
        self.seconds[step] = max(self.seconds.get(step, 0.0), time.perf_counter() - self._began - others)


class _Lap:
    def __init__(self, clock: Clock, step: str) -> None:
        self._clock, self._step = clock, step

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        spent = time.perf_counter() - self._start
        self._clock.seconds[self._step] = self._clock.seconds.get(self._step, 0.0) + spent


def timed(items: Iterable[Item], clock: Clock, step: str) -> Iterator[Item]:
    """The items, with the time that it takes to get each counted as `step`."""
    iterator = iter(items)
    while True:
        with clock(step):
            try:
                item = next(iterator)
            except StopIteration:
                return
        hand = [item]
        del item
        yield hand.pop()


def ahead(items: Iterable[Item], name: str) -> Iterator[Item]:
    """The items, made by a thread that has one ready and one in the making; its errors are raised here."""
    with begun(items, name) as made:
        yield from made


@contextmanager
def begun(items: Iterable[Item], name: str) -> Iterator[Iterator[Item]]:
    """The same, and the thread begins at once, whether or not the first item is asked for yet.

    Who still waits for an item when the block is left gets a RuntimeError: that there are no more must not be believed.
    """
    made: queue.Queue[tuple[Item | None, BaseException | None]] = queue.Queue(maxsize=1)
    stopped = threading.Event()

    def put(item: Item | None, error: BaseException | None = None) -> bool:
        while not stopped.is_set():
            try:
                made.put((item, error), timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    def make() -> None:
        try:
            iterator = iter(items)
            while (item := next(iterator, None)) is not None:
                if not put(item):
                    return
                del item
            put(None)
        except BaseException as error:
            put(None, error)

    def given() -> Iterator[Item]:
        while not stopped.is_set():
            try:
                item, error = made.get(timeout=0.2)
            except queue.Empty:
                continue
            if error is not None:
                raise error
            if item is None:
                return
            hand = [item]
            del item
            yield hand.pop()
        raise RuntimeError(f"{name} was stopped")

    thread = threading.Thread(target=make, name=name, daemon=True)
    thread.start()
    try:
        yield given()
    finally:
        stopped.set()
        thread.join(timeout=5)


def in_chunks(pages: Iterable[Page], size: int) -> Iterator[Page]:
    """Small pages put together to `size` rows: a COPY and a search per page of 500 rows would cost more than these."""
    waiting: list[Page] = []
    loose: list[Page] = []
    rows, columns, raw = 0, list[str](), False
    for page in pages:
        # An answer of no rows has no columns either.
        others = bool(page.frame.height and columns and page.frame.columns != columns)
        if rows and page.rows and (others or (page.records is not None) != raw):
            hand = [_joined([*waiting, *loose])]
            waiting, loose, rows, columns = [], [], 0, []
            yield hand.pop()
        if page.rows:
            columns, raw = page.frame.columns if page.frame.height else columns, page.records is not None
        loose.append(page)
        rows += page.rows
        del page
        if rows >= size:
            hand = [_joined([*waiting, *loose])]
            waiting, loose, rows, columns = [], [], 0, []
            yield hand.pop()
        elif len(loose) == LOOSE_PAGES:
            waiting.append(_joined(loose))
            loose = []
    if waiting or loose:
        yield _joined([*waiting, *loose])


def _joined(pages: list[Page]) -> Page:
    if len(pages) == 1:
        return pages[0]
    frames = [page.frame for page in pages if page.frame.height] or [pages[0].frame]
    frame = pl.concat(frames, how="vertical_relaxed", rechunk=True)
    raw = [page.records for page in pages if page.records is not None]
    return Page(
        frame,
        tuple(record for page in pages for record in page.bad),
        sum(page.bytes_in for page in pages),
        tuple(answer for page in pages for answer in page.answers),
        joined(raw, frame) if raw else None,
        all(page.clean for page in pages if page.frame.height),
    )
