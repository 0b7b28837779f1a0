"""How one pull gets on while others run beside it: bounded in rows, bytes and time, watched while it waits, stoppable.

A source that hangs must not keep the others waiting, one that floods must neither slow them nor fill the disk. So a
pull tells how long it has been waiting for its source, steps aside when it brings far more than usual, and ends with
an error when it exceeds what any source of a town may send at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from connectors.errors import ContractViolation, Permanent
from connectors.protocols.base import Page
from warehouse.settings import positive


@dataclass(frozen=True)
class Bounds:
    """The most that one pull may bring: rows, bytes as received, and seconds until its last page."""

    rows: int = 20_000_000
    bytes: int = 16 << 30
    seconds: int = 3_600

    @classmethod
    def from_environment(cls) -> Bounds:
        """The defaults, or TOWNHUB_PULL_MAX_ROWS, TOWNHUB_PULL_MAX_BYTES and TOWNHUB_PULL_MAX_SECONDS.

        Raises ConfigurationError for a value that is no positive whole number.
        """
        return cls(
            positive("TOWNHUB_PULL_MAX_ROWS", cls.rows),
            positive("TOWNHUB_PULL_MAX_BYTES", cls.bytes),
            positive("TOWNHUB_PULL_MAX_SECONDS", cls.seconds),
        )


class Pace:
    """The pace of one pull over all its attempts; other threads read `waited` and `aside` and may call `stop`.

    `progress` is called with the number of rows landed so far. `step_aside` is called, in the thread that fetches,
    with each page beyond `ample_rows` rows, and may keep it waiting; that time does not count.
    """

    def __init__(
        self,
        *,
        bounds: Bounds | None = None,
        progress: Callable[[int], None] = lambda rows: None,
        ample_rows: int | None = None,
        step_aside: Callable[[], None] = lambda: None,
    ) -> None:
        self.bounds = bounds or Bounds.from_environment()
        self.progress = progress
        self.aside = False
        """True from the first page on that was more than ample."""
        self._ample_rows = ample_rows
        self._step_aside = step_aside
        self._asked: float | None = None
        self._stopped = False
        self.begin()

    def begin(self) -> None:
        """An attempt begins: the source is asked anew and nothing has come yet."""
        self._rows = self._bytes = 0
        self._paused = 0.0
        self._began = self._asked = time.monotonic()

    @property
    def waited(self) -> float:
        """Seconds since the source was asked for what has not come yet; 0 while it is our turn."""
        asked = self._asked
        return 0.0 if asked is None else time.monotonic() - asked

    def stop(self) -> None:
        """Let the pull end with an error at its next page: its run was cancelled."""
        self._stopped = True

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around what may have to wait for the source."""
        self._asked = time.monotonic()
        try:
            yield
        finally:
            self._asked = None

    def pages(self, pages: Iterable[Page], where: str) -> Iterator[Page]:
        """The pages, counted as they come. Raises ContractViolation beyond the bounds, Permanent once stopped."""
        iterator = iter(pages)
        while True:
            with self.waiting():
                page = next(iterator, None)
            if page is None:
                return
            self._rows += page.rows + len(page.bad)
            self._bytes += page.bytes_in
            self._check(where)
            if self._ample_rows is not None and self._rows > self._ample_rows:
                self.aside = True
                began = time.monotonic()
                self._step_aside()
                self._paused += time.monotonic() - began
            yield page

    def _check(self, where: str) -> None:
        if self._stopped:
            raise Permanent(f"{where}: the run was cancelled while this pull was under way", "Start it again")
        seconds = time.monotonic() - self._began - self._paused
        for name, reached, most, unit in (
            ("TOWNHUB_PULL_MAX_ROWS", self._rows, self.bounds.rows, "rows"),
            ("TOWNHUB_PULL_MAX_BYTES", self._bytes, self.bounds.bytes, "bytes"),
            ("TOWNHUB_PULL_MAX_SECONDS", seconds, self.bounds.seconds, "seconds"),
        ):
            if reached > most:
                raise ContractViolation(
                    f"{where}: the source does not end, one pull has passed {most:,} {unit}; nothing of it was landed",
                    f"Ask its owner what it sends; if it is right, raise {name}",
                )
