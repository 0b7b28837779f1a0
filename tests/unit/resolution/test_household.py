"""Who lives with the person whose telephone or door a record has, and bears its name: found, and told as probable."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from resolution.residents import cluster
from tests.unit.resolution.relinked import relinked
from tests.unit.resolution.test_changes import BORN, number, table

OLD_DOOR, NEW_DOOR, OLD_LINE, NEW_LINE = "幸福路1号", "和平路2号", "13911112222", "13933334444"
WIFE = {"name": "李秀英", "resident_id_no": number(12), "birth_date": BORN, "address": OLD_DOOR}
WIFE_NOW = WIFE | {"address": NEW_DOOR, "phone": NEW_LINE}
HUSBAND = {
    "name": "王伟",
    "resident_id_no": number(11),
    "birth_date": BORN,
    "address": NEW_DOOR,
    "phone": "13955556666",
}
NAMESAKES = tuple(
    {"name": "王伟", "resident_id_no": number(100 + at), "birth_date": BORN, "address": f"长江路{at + 1}号"}
    for at in range(12)
)
OF_BEFORE = {"name": "王伟", "address": OLD_DOOR}


def linked(*records: dict[str, Any]) -> tuple[int, str, str]:
    """With which row the last of the records is (the smallest), its kind of link and the reason."""
    found = cluster(table(*records)).assigned.sort("row")
    last = found.row(-1, named=True)
    rows = found.filter(pl.col("cluster") == last["cluster"])["row"].to_list()
    return min(rows), last["link_kind"], last["reason"]


def test_a_door_that_somebody_of_the_household_had_tells_which_namesake_it_is() -> None:
    row, kind, reason = linked(HUSBAND, WIFE, WIFE_NOW, *NAMESAKES, OF_BEFORE)
    assert (row, kind) == (0, "probable") and "whose telephone or door" in reason


def test_a_telephone_of_the_household_does_so_too() -> None:
    row, kind, _ = linked(HUSBAND, WIFE_NOW, *NAMESAKES, {"name": "王伟", "phone": NEW_LINE})
    assert (row, kind) == (0, "probable")


@pytest.mark.parametrize(
    "records",
    [
        pytest.param((HUSBAND, WIFE, *NAMESAKES, OF_BEFORE), id="nobody lived at both doors"),
        pytest.param((HUSBAND, NAMESAKES[0] | {"address": NEW_DOOR}, WIFE, WIFE_NOW, *NAMESAKES[1:], OF_BEFORE),
                     id="two of the name live there"),
        pytest.param((HUSBAND, WIFE, WIFE_NOW, *NAMESAKES, OF_BEFORE | {"birth_date": dt.date(2001, 2, 3)}),
                     id="born in another year"),
        pytest.param((HUSBAND, WIFE, WIFE_NOW, *NAMESAKES, OF_BEFORE | {"name": "王强"}), id="nobody has the name"),
    ],
)  # fmt: skip
def test_otherwise_it_stays_alone(records: tuple[dict[str, Any], ...]) -> None:
    assert linked(*records)[1] == "single"


def test_a_door_of_many_is_nobodys_household() -> None:
    """A dormitory tells nothing of who lives with whom."""
    many = [{"name": f"{name}{given}", "resident_id_no": number(300 + 5 * at + of), "address": OLD_DOOR}
            for at, name in enumerate("陈刘张") for of, given in enumerate("明华平军")]  # fmt: skip
    assert linked(HUSBAND, WIFE, WIFE_NOW, *many, *NAMESAKES, OF_BEFORE)[1] == "single"


def town(seed: int) -> pl.DataFrame:
    """Households with few names among them, half of which moved or took other lines; who says no number says little."""
    rng = np.random.default_rng([seed, 5])
    rows: list[dict[str, Any]] = []
    for home in range(24):
        doors = [f"幸福路{home + 1}号", f"和平路{rng.integers(1, 20)}号"]
        lines = [f"139{rng.integers(10**7, 10**8)}" for _ in range(2)]
        for _ in range(rng.integers(1, 4)):
            name = "王李"[rng.integers(2)] + "伟芳"[rng.integers(2)] + "明华"[rng.integers(2)]
            whole = {"name": name, "resident_id_no": number(len(rows) + 100), "birth_date": BORN}
            for _ in range(rng.integers(1, 6)):
                told: dict[str, Any] = dict(whole) if rng.random() < 0.6 else {"name": name}
                told |= {"address": doors[rng.integers(2)]} if rng.random() < 0.5 else {}
                told |= {"phone": lines[rng.integers(2)]} if rng.random() < 0.4 else {}
                rows.append(told)
    return table(*rows)


@pytest.mark.parametrize("seed", range(8))
def test_changes_alone_come_to_what_a_full_run_gives(seed: int) -> None:
    """Whether the record is new, or the person, or the one who lives with them; or what these said is no more."""
    records = town(seed)
    old = records.filter(pl.Series(np.random.default_rng([seed, 1]).random(records.height) > 0.08))
    more = table({"name": "周明"}).with_columns(record_key=pl.lit("zzz"))
    for before, after in ((old, records), (records, old), (records, pl.concat([old, more]))):
        some, full = (frame.sort("row") for frame in (relinked(before, after).assigned, cluster(after).assigned))
        assert grouped(some) == grouped(full)
        assert some["link_kind"].to_list() == full["link_kind"].to_list()


def grouped(found: pl.DataFrame) -> set[frozenset[int]]:
    return {frozenset(rows) for rows in found.group_by("cluster").agg("row")["row"].to_list()}
