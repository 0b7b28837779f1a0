"""A record that a source gives to somebody else takes nobody's key along, and leads no old key to him."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from resolution import carried, ledger
from resolution.runner import resolve
from tests.unit.resolution.landed_town import LandedTown
from tests.unit.resolution.test_decided_runs import NAMES, SYSTEMS, of, table


@pytest.fixture
def landed(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> LandedTown:
    monkeypatch.setattr(carried, "MOST", 1.0)
    return LandedTown(fresh_database, SYSTEMS, monkeypatch)


def keys(landed: LandedTown) -> dict[str, str]:
    return dict(
        landed.conn.execute("SELECT record_key, entity_key FROM resolution.membership WHERE to_run IS NULL").fetchall()
    )


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("others", [{}, {"c1": of("C"), "c2": of("C")}])
def test_a_key_does_not_follow_a_record_that_is_anothers_now(
    landed: LandedTown, others: dict[str, dict[str, Any]], full: bool
) -> None:
    town = {"p": of("A"), "f1": of("F")} | others
    landed.land(table(**town))
    resolve("residents")
    before = keys(landed)
    landed.land(table(**town | {"p": of("C")}))
    resolve("residents", full=full)
    after = keys(landed)
    assert before["p"] not in after.values() and {after[name] for name in others} <= {after["p"]}
    assert {name: after[name] for name in others} == {name: before[name] for name in others}
    assert ledger.resolve_key(landed.conn, before["p"]) is None
    done = resolve("residents", full=True)
    assert keys(landed) == after and (done.created, done.merged, done.split) == (0, 0, 0)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("change", [{"resident_id_no": of("C")["resident_id_no"]}, {"name": NAMES["C"]}])
def test_who_is_put_right_keeps_the_key(landed: LandedTown, change: dict[str, str], full: bool) -> None:
    town = {"p": of("A"), "f1": of("F")}
    landed.land(table(**town))
    resolve("residents")
    before = keys(landed)
    landed.land(table(**town | {"p": of("A") | change}))
    resolve("residents", full=full)
    assert keys(landed) == before


@pytest.mark.parametrize("late", [False, True])
def test_a_purged_record_gives_its_key_to_nobody(landed: LandedTown, late: bool) -> None:
    """Whether retention purges it while it is current or long after it ended."""
    town = {"p": of("A"), "f1": of("F")}
    landed.land(table(**town))
    resolve("residents")
    before = keys(landed)
    if late:
        landed.land(table(f1=of("F")))
        resolve("residents")
        landed.current = pl.concat([landed.current, table(p=of("A"))])
    landed.purge(table(p=of("A")))
    resolve("residents")
    assert ledger.resolve_key(landed.conn, before["p"]) is None
    landed.land(table(**town | {"p": of("C")}))
    resolve("residents")
    assert keys(landed)["p"] not in before.values() and keys(landed)["f1"] == before["f1"]
    assert ledger.resolve_key(landed.conn, before["p"]) is None
