"""A pull is bounded in rows, bytes and time, tells how long it waits, steps aside, and can be stopped."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import polars as pl
import pytest

from connectors import pace as pace_module
from connectors.errors import ContractViolation, Permanent
from connectors.pace import Bounds, Pace
from connectors.protocols.base import BadRecord, Page
from warehouse.settings import ConfigurationError, positive

PAGE = Page(pl.DataFrame({"a": ["1", "2"]}), (BadRecord(3, "?", "undecodable_text"),), bytes_in=10)


def endless() -> Iterator[Page]:
    while True:
        yield PAGE


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands; add to its one number to let time pass."""
    now = [1000.0]
    monkeypatch.setattr(pace_module.time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("bounds", "pages", "name"),
    [({"rows": 9}, 3, "TOWNHUB_PULL_MAX_ROWS"), ({"bytes": 25}, 2, "TOWNHUB_PULL_MAX_BYTES")],
)
def test_what_does_not_end_is_ended(bounds: dict[str, int], pages: int, name: str) -> None:
    """Records that never became rows count as rows."""
    got: list[Page] = []
    with pytest.raises(ContractViolation, match=f"s.t: the source does not end.*raise {name}"):
        got.extend(itertools.islice(Pace(bounds=Bounds(**bounds)).pages(endless(), "s.t"), 100))
    taken = Pace(bounds=Bounds(**bounds)).pages(itertools.repeat(PAGE, pages), "s.t")
    assert len(list(taken)) == pages, "the bound itself is allowed"


def test_time_is_bounded_and_that_of_others_does_not_count(clock: list[float]) -> None:
    def aside() -> None:
        clock[0] += 1000

    pace = Pace(bounds=Bounds(seconds=60), ample_rows=0, step_aside=aside)
    pages = pace.pages(endless(), "s.t")
    for _ in range(6):
        clock[0] += 10
        next(pages)
    clock[0] += 10
    with pytest.raises(ContractViolation, match="TOWNHUB_PULL_MAX_SECONDS"):
        next(pages)


def test_only_the_wait_for_the_source_is_waiting(clock: list[float]) -> None:
    pace = Pace()
    seen: list[float] = []

    def source() -> Iterator[Page]:
        clock[0] += 7
        seen.append(pace.waited)
        yield PAGE

    clock[0] += 3
    assert pace.waited == 3, "it is asked when the pull begins"
    pages = pace.pages(source(), "s.t")
    next(pages)
    clock[0] += 5
    assert (seen, pace.waited) == ([7.0], 0.0), "what we do with a page is no wait"
    with pace.waiting():
        clock[0] += 2
        assert pace.waited == 2
    pace.begin()
    clock[0] += 1
    assert pace.waited == 1


def test_a_pull_of_more_than_ample_steps_aside_at_each_page() -> None:
    calls: list[int] = []
    pace = Pace(ample_rows=6, step_aside=lambda: calls.append(1))
    pages = pace.pages(endless(), "s.t")
    next(pages), next(pages)
    assert not pace.aside and calls == []
    next(pages), next(pages)
    assert pace.aside and calls == [1, 1]


def test_an_attempt_counts_from_nothing() -> None:
    pace = Pace(bounds=Bounds(rows=6))
    for _ in range(2):
        pace.begin()
        assert len(list(pace.pages(itertools.repeat(PAGE, 2), "s.t"))) == 2


def test_a_stopped_pull_ends_at_its_next_page() -> None:
    pace = Pace()
    pages = pace.pages(endless(), "s.t")
    next(pages)
    pace.stop()
    with pytest.raises(Permanent, match=r"s\.t: the run was cancelled"):
        next(pages)


@pytest.mark.parametrize("text", ["0", "-3", "1.5", "many", "１２"])
def test_a_setting_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TOWNHUB_PULL_MAX_SECONDS", text)
    with pytest.raises(ConfigurationError, match="TOWNHUB_PULL_MAX_SECONDS"):
        Bounds.from_environment()


def test_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWNHUB_PULL_MAX_BYTES", " 1000 ")
    monkeypatch.setenv("TOWNHUB_PULL_MAX_ROWS", "")
    assert Bounds.from_environment() == Bounds(bytes=1000)
    assert positive("TOWNHUB_PULL_MAX_BYTES", 1) == 1000
