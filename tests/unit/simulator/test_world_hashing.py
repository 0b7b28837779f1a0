"""Stateless random numbers are the same for ever, even, and independent of each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.world import uniform
from simulator.world.hashing import bits, integers

IDS = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20)


def test_values_never_change() -> None:
    # written down once: a change here would change every town and all its dirt
    assert bits([0, 1, -1, 2**62], 7, "police_110", "address").tolist() == [
        616786910572874360,
        3519440297503985986,
        17850152008288401542,
        15995250124281727153,
    ]


@given(IDS, st.integers(0, 19))
def test_a_value_depends_on_id_and_salt_alone(ids: list[int], start: int) -> None:
    values = uniform(ids, 3, "x")
    assert ((values >= 0) & (values < 1)).all()
    assert (uniform(ids[start:] or ids, 3, "x") == (values[start:] if ids[start:] else values)).all()


@given(IDS)
def test_number_and_text_in_the_salt_differ(ids: list[int]) -> None:
    assert (bits(ids, 1) != bits(ids, "1")).all()
    assert (bits(ids, "a", "b") != bits(ids, "b", "a")).all()


@pytest.mark.parametrize("salt", [("a",), ("b", 2), ()])
def test_values_are_even_and_uncorrelated(salt: tuple[str | int, ...]) -> None:
    values = uniform(np.arange(100_000), *salt)
    counts = np.histogram(values, bins=20, range=(0, 1))[0]
    assert abs(counts - 5_000).max() < 350  # five standard deviations
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.02
    assert abs(np.corrcoef(values, uniform(np.arange(100_000), *salt, "other"))[0, 1]) < 0.02


def test_integers_stay_within_bounds() -> None:
    found = integers(np.arange(10_000), -2, 3, "n")
    assert set(found.tolist()) == {-2, -1, 0, 1, 2}
