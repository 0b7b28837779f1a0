"""The measurements of keys and of growth: what counts as kept, and which slope is which."""

from __future__ import annotations

import polars as pl
import pytest

from bench._identity_growth import exponent, part
from bench._identity_retention import RECORD, Retention, retention


def held(**keys: str) -> pl.DataFrame:
    rows = [("resident", "s", "t", record, key) for record, key in keys.items()]
    return pl.DataFrame(rows, schema=[*RECORD, "entity_key"], orient="row")


def test_a_record_keeps_its_key_is_led_to_another_or_neither() -> None:
    before = held(a="R1", b="R2", c="R3", gone="R4")
    after = held(a="R1", b="R1", c="R9", new="R8")
    merged = pl.DataFrame({"entity_key": ["R2", "R3"], "into": ["R1", "R1"]})
    found = retention(before, after, merged)
    assert found == {"resident": Retention(records=3, kept=1, led=1, fresh=1)}
    assert found["resident"].share == pytest.approx(1 / 3)


def test_without_any_merge_and_without_any_record() -> None:
    none = pl.DataFrame(schema={"entity_key": pl.String, "into": pl.String})
    assert retention(held(a="R1"), held(a="R1"), none) == {"resident": Retention(1, 1, 0, 0)}
    assert Retention(0, 0, 0, 0).share == 1


def test_the_exponent_is_the_slope() -> None:
    small, large = {"records": 100, "core_seconds": 1.0}, {"records": 1000, "core_seconds": 100.0}
    assert exponent(small, large) == pytest.approx(2)


def test_a_part_has_people_with_all_their_records() -> None:
    records = pl.DataFrame({"true": [n // 3 for n in range(300)]})
    some = part(records, 0.1)
    assert some.height == 30 and some["true"].n_unique() == 10
    assert part(records, 0.1).equals(some) and part(records, 1.0).height == 300
