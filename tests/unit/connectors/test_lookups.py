"""When the answer to a value of a look-up has stood long enough: spread over the days, never too old, nobody twice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.lookups import due
from connectors.version_runs import Hashes
from connectors.versions import hash_texts

FIRST = 20_000
"""Some day, counted from 1970."""


def values(count: int) -> Hashes:
    return hash_texts(pl.Series([f"3301061990010{n:05d}" for n in range(count)]))


def ages(count: int, max_age: int, days: list[int]) -> tuple[list[int], npt.NDArray[np.int64]]:
    """Pulls on the given days after everybody was asked on the first: how many each asked, and the oldest answer."""
    hashes, answered = values(count), np.full(count, FIRST, dtype=np.int64)
    asked, oldest = [], []
    for day in days:
        chosen = due(hashes, answered, FIRST + day, max_age)
        answered[chosen] = FIRST + day
        asked.append(int(chosen.sum()))
        oldest.append(FIRST + day - int(answered.min()))
    return asked, np.array(oldest)


@pytest.mark.parametrize("max_age", [1, 7, 30, 366])
def test_every_day_asks_its_share_and_no_answer_grows_too_old(max_age: int) -> None:
    count = 20_000
    asked, oldest = ages(count, max_age, list(range(1, 2 * max_age + 1)))
    assert sum(asked) == 2 * count, "everybody once in each cycle"
    assert max(asked) < 1.25 * count / max_age + 40
    assert oldest.max() < max_age, "after each day's pull"


@given(st.integers(1, 60), st.lists(st.integers(0, 25), min_size=1, max_size=40))
def test_whatever_days_are_missed_what_is_left_is_young_enough(max_age: int, pauses: list[int]) -> None:
    days = np.cumsum(pauses).tolist()
    asked, oldest = ages(300, max_age, days)
    assert (oldest < max_age).all()
    assert all(count == 0 for count, pause in zip(asked, pauses, strict=True) if pause == 0), "nobody twice a day"


def test_who_was_never_answered_or_only_in_days_to_come_is_asked() -> None:
    hashes = values(50)
    assert due(hashes, np.full(50, -(2**31), dtype=np.int64), FIRST, 30).all()
    assert due(hashes, np.full(50, FIRST + 400, dtype=np.int64), FIRST, 30).all()
    assert not due(hashes, np.full(50, FIRST, dtype=np.int64), FIRST, 30).any()
