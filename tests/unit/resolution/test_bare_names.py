"""Records that say nothing but a name, month after month: they make nobody's name a common one."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from resolution.residents import cluster
from resolution.sources import RESIDENT_SCHEMA
from tests.unit.resolution.relinked import relinked
from tests.unit.resolution.test_residents import BORN, HEAD, OTHER, OTHER_DAY, record

HUSBAND = [record("王建国", HEAD, birth_date=BORN, sex="male"), record("王建国", HEAD)]
WIFE = record("厉婧怡", OTHER, birth_date=OTHER_DAY, sex="female")


def table(*records: dict[str, Any]) -> pl.DataFrame:
    rows = [{"record_key": f"{at:03}"} | row for at, row in enumerate(records)]
    return pl.DataFrame(rows, schema=RESIDENT_SCHEMA, orient="row", infer_schema_length=None)


@pytest.mark.parametrize("number", [HEAD, None], ids=["with her husband's number", "without a number"])
@pytest.mark.parametrize("months", [1, 2, 3, 12])
def test_a_wifes_monthly_orders_stay_hers(months: int, number: str | None) -> None:
    found = cluster(table(*HUSBAND, WIFE, *[record("厉婧怡", number)] * months)).assigned
    assert found["cluster"].to_list() == [0, 0, *[2] * (months + 1)]
    assert found["link_kind"].to_list()[3:] == ["probable"] * months


def test_a_wifes_monthly_orders_stay_hers_by_changes() -> None:
    orders = [record("厉婧怡", HEAD) for _ in range(6)]
    for month in range(1, 6):
        old, new = (table(*HUSBAND, WIFE, *orders[:many]) for many in (month, month + 1))
        found = relinked(old, new).assigned
        assert found["cluster"].to_list() == cluster(new).assigned["cluster"].to_list() == [0, 0, *[2] * (month + 2)]


def test_a_bare_name_of_two_people_is_nobodys() -> None:
    namesake = record("厉婧怡", None, birth_date=BORN, phone="13912345670")
    found = cluster(table(WIFE, namesake, record("厉婧怡")))
    assert found.assigned["cluster"].n_unique() == 3
