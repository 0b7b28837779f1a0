"""Runs by changes on PostgreSQL: whatever comes, changes and goes, they end where full runs end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import polars as pl
import psycopg
import pytest

from resolution import carried, copying, ledger, news, runner
from resolution.content import Totals
from resolution.residents import blocking, cluster
from resolution.residents import state as resident_state
from resolution.restoring import RECORD
from resolution.runner import ResolutionResult, resolve
from resolution.source import Source
from resolution.sources import RESIDENT_SCHEMA
from tests.unit.resolution import test_household
from tests.unit.resolution.landed_town import LandedTown, grouped
from tests.unit.resolution.staged import MAN
from tests.unit.resolution.test_changes import town
from warehouse import connection

SYSTEMS = ("household_registry", "pension")
BORN = dt.date(1985, 5, 5)
"""MAN's birth date."""


def people(seed: int, town: Callable[[int], pl.DataFrame] = town) -> pl.DataFrame:
    """A town whose records come from two systems."""
    records = town(seed)
    mine = pl.Series(np.random.default_rng([seed, 2]).random(records.height) < 0.5)
    return records.with_columns(system=pl.when(mine).then(pl.lit(SYSTEMS[0])).otherwise(pl.lit(SYSTEMS[1]))).sort(
        RECORD
    )


def share(records: pl.DataFrame, rng: np.random.Generator, part: float) -> pl.DataFrame:
    return records.filter(pl.Series(rng.random(records.height) < part))


def is_full(run: int) -> bool:
    with connection.connect("builder") as conn:
        row = conn.execute(
            "SELECT (detail ->> 'full')::boolean FROM resolution.run WHERE run_id = %s", [run]
        ).fetchone()
    assert row is not None
    return bool(row[0])


def settled(landed: LandedTown) -> ResolutionResult:
    """A run, by changes if any; held against a full run in memory, in the ledger and in all that is kept."""
    done = resolve("residents")
    found = cluster(landed.current)
    full = pl.concat([landed.current.select(RECORD), found.assigned.select("cluster", "link_kind")], how="horizontal")
    assert landed.groups() == grouped(full)
    with connection.connect("builder") as conn:
        now = ledger.current(conn, "resident")
        totals = Totals.of(now)
    set_aside = full.with_row_index("row").filter(pl.col("row").is_in(found.borrowed.implode()))
    assert set(now.filter("borrowed").select(RECORD).iter_rows()) == set(set_aside.select(RECORD).iter_rows())
    assert (done.content_hash, done.records, done.entities) == (
        totals.content_hash, landed.current.height, full["cluster"].n_unique(),
    )  # fmt: skip
    assert sum(done.links.values()) == done.records
    return done


@pytest.fixture
def landed(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> LandedTown:
    """No records yet. In so small a town a few changes are a large share, and yet no reason to link all anew."""
    monkeypatch.setattr(carried, "MOST", 1.0)
    # A town is written in parts; so small a one would be a single part.
    monkeypatch.setattr(resident_state, "ENTITIES_AT_ONCE", 50)
    monkeypatch.setattr(copying, "ROWS_AT_ONCE", 100)
    return LandedTown(fresh_database, SYSTEMS, monkeypatch)


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4])
def test_runs_by_changes_end_where_full_runs_end(landed: LandedTown, seed: int) -> None:
    rng = np.random.default_rng([seed, 3])
    everybody = people(seed)
    landed.land(share(everybody, rng, 0.9))
    assert is_full(settled(landed).run)
    for _ in range(3):
        now = landed.current
        came = share(everybody.join(now, on=RECORD, how="anti"), rng, 0.4)
        gone = share(now, rng, 0.01)
        told = share(now, rng, 0.02).with_columns(phone=pl.lit("13912345670"), name=pl.col("name").shift(1))
        stay = now.join(pl.concat([gone, told]), on=RECORD, how="anti")
        landed.land(pl.concat([stay, came, told]).unique(RECORD).sort(RECORD))
        done = settled(landed)
        assert not is_full(done.run)
        kept = landed.state()
        full = resolve("residents", full=True)
        assert is_full(full.run) and full.content_hash == done.content_hash
        assert landed.state() == kept


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_households_are_found_by_changes_as_by_full_runs(landed: LandedTown, seed: int) -> None:
    """Whoever of them comes or goes; and why a record was linked stays as it was told."""
    rng = np.random.default_rng([seed, 4])
    everybody = people(seed, test_household.town)
    landed.land(share(everybody, rng, 0.9))
    resolve("residents")
    told = "SELECT record_key, link_kind, reason FROM resolution.membership WHERE to_run IS NULL ORDER BY 1"
    for _ in range(3):
        now = landed.current
        came = share(everybody.join(now, on=RECORD, how="anti"), rng, 0.5)
        gone = share(now, rng, 0.04)
        landed.land(pl.concat([now.join(gone, on=RECORD, how="anti"), came]).sort(RECORD))
        assert not is_full(settled(landed).run)
        reasons, kept = landed.conn.execute(told).fetchall(), landed.state()
        assert any("whose telephone or door" in reason for _, _, reason in reasons)
        resolve("residents", full=True)
        assert landed.conn.execute(told).fetchall() == reasons
        assert landed.state() == kept


def test_what_retention_deleted_is_linked_no_more(landed: LandedTown) -> None:
    """A deletion is no load: the number of rows tells of it. Nothing of the record is kept from the same moment on."""
    landed.land(people(1))
    resolve("residents")
    gone = landed.current.sample(3, seed=1)
    landed.purge(gone)
    kept = {tuple(row[1:3]) for row in landed.state()[0]}
    assert kept == set(landed.current.select("system", "record_key").rows())
    assert not is_full(settled(landed).run)
    kept_now = landed.state()[:2]
    resolve("residents", full=True)
    assert landed.state()[:2] == kept_now


def test_sources_without_a_new_load_are_not_looked_through(landed: LandedTown, monkeypatch: pytest.MonkeyPatch) -> None:
    landed.land(people(0))
    settled(landed)
    looked_through: list[str] = []

    def touched(conn: psycopg.Connection, source: Source, load: int) -> pl.Series:
        looked_through.append(source.system)
        return find(conn, source, load)

    find = news.touched
    monkeypatch.setattr(news, "touched", touched)
    one = pl.col("system") == SYSTEMS[0]
    landed.land(landed.current.filter(~one | (pl.col("record_key") != pl.col("record_key").filter(one).min())))
    done = settled(landed)
    assert not is_full(done.run) and looked_through == [SYSTEMS[0]]
    assert resolve("residents", full=True).content_hash == done.content_hash


def test_after_the_server_lost_what_was_kept_all_is_linked_anew(landed: LandedTown) -> None:
    """The tables are not logged: a server that crashed has them empty. The next run finds what it needs again."""
    landed.land(people(1).head(200))
    resolve("residents")
    landed.conn.execute("TRUNCATE resolution.resident_record, resolution.resident_block, resolution.resident_count")
    landed.land(people(1).head(220))
    assert is_full(settled(landed).run)
    landed.land(people(1))
    assert not is_full(settled(landed).run)


def test_after_a_key_was_forgotten_all_is_linked_anew(landed: LandedTown) -> None:
    """What a record counted for in the content hash hangs on its key, and that is a pseudonym now."""
    numbered = pl.col("record_key").str.replace("^0", "33010619850505001")
    landed.land(people(1).with_columns(record_key=numbered).sort(RECORD))
    resolve("residents")
    landed.purge(landed.current.filter(pl.col("record_key").str.len_chars() > 10).head(1))
    assert is_full(settled(landed).run)


def test_a_crowded_block_is_not_read_and_makes_no_pairs(landed: LandedTown, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a switchboard's telephone links in no full run it links in no run by changes, of however few records."""
    monkeypatch.setattr(blocking, "MAX_BLOCK", 3)
    monkeypatch.setattr(resident_state, "MAX_BLOCK", 3)
    calls = [
        {"name": f"{name}小明", "phone": "13912345670", "record_key": str(at)} for at, name in enumerate("王李张刘陈")
    ]
    landed.land(registered(*calls))
    resolve("residents")
    # Another's name brings one of those who share the telephone into the part that is looked at.
    fresh = ({"name": "李晓明", "phone": "13912345670", "record_key": "8"}, {"name": "李小明", "record_key": "9"})
    landed.land(registered(*calls, *fresh))
    assert not is_full(settled(landed).run)


def test_whose_number_was_set_aside_is_told_by_changes_as_by_full_runs(landed: LandedTown) -> None:
    """And is no more when the number's bearer has left: then nobody else is known with it."""
    bearer = {"record_key": "1", "name": "赵敏华", "resident_id_no": MAN, "birth_date": BORN}
    other = {"record_key": "2", "name": "欧阳锋刚", "resident_id_no": MAN}
    told = "SELECT record_key, borrowed FROM resolution.membership WHERE to_run IS NULL ORDER BY 1"
    landed.land(registered(bearer))
    settled(landed)
    for records, borrowed in (([bearer, other], [False, True]), ([other], [False]), ([bearer, other], [False, True])):
        landed.land(registered(*records))
        assert not is_full(settled(landed).run)
        assert [row[1] for row in landed.conn.execute(told).fetchall()] == borrowed
        kept = landed.state()
        resolve("residents", full=True)
        assert [row[1] for row in landed.conn.execute(told).fetchall()] == borrowed and landed.state() == kept


def registered(*records: dict[str, Any]) -> pl.DataFrame:
    rows = [{"system": SYSTEMS[0], "stream": "t"} | record for record in records]
    return pl.DataFrame(rows, schema=RESIDENT_SCHEMA, orient="row", infer_schema_length=None)


def test_a_full_run_has_the_memory_to_itself_and_one_by_changes_asks_for_none(
    landed: LandedTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = MagicMock()
    monkeypatch.setattr(runner, "_LARGE", alone)
    everybody = people(0)
    landed.land(everybody)
    assert is_full(settled(landed).run)
    assert (alone.__enter__.call_count, alone.__exit__.call_count) == (1, 1)
    landed.land(everybody.with_columns(phone=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("13912345670"))
                                       .otherwise("phone")))  # fmt: skip
    assert not is_full(settled(landed).run)
    assert alone.__enter__.call_count == 1
