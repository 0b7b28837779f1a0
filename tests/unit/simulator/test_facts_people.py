"""True facts behind the people's systems: as many as the town has, the same from a later day, in keeping with each
other."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from simulator.world import World, advance, generate
from simulator.world.facts import (
    accounts,
    certificates,
    cycles,
    elders,
    letters,
    passages,
    rentals,
    repairs,
    staff,
)

SCALE = 0.1


@pytest.fixture(scope="module")
def world() -> World:
    return generate(SCALE, 11)


@pytest.fixture(scope="module")
def later(world: World) -> World:
    return advance(world, 40)


def test_there_are_as_many_as_the_town_has(world: World) -> None:
    days = (world.today - date(2025, 10, 1)).days + 1
    old = elders.elders(world)
    born = world.residents.select("resident_id", "birth_date")
    over_80 = old.join(born, on="resident_id").filter(pl.col("birth_date").dt.offset_by("80y") <= world.today).height
    assert 4_500 <= over_80 / SCALE <= 7_500
    assert 300_000 <= certificates.certificates(world).height / SCALE <= 600_000
    assert 30_000 <= rentals.rentals(world).height / SCALE <= 40_000
    assert 20 <= repairs.repairs(world).height / SCALE / days <= 80
    assert 5 <= letters.letters(world).height / SCALE / days <= 20
    assert 300 <= staff.staff(world).height <= 420
    payees = world.payments["resident_id"].n_unique()
    assert payees <= accounts.accounts(world).height <= 1.3 * payees
    passed = passages.counts(world, *passages.day_of(world)).select(pl.sum("passes_in", "passes_out")).row(0)
    assert 400_000 <= sum(passed) / SCALE <= 650_000


@pytest.mark.parametrize(
    ("fact", "day", "told"),
    [
        (repairs.repairs, "reported_at", ("repair_id", "address_id", "kind", "text", "reporter", "reported_at")),
        (letters.letters, "received_at", ("letter_id", "community_id", "kind", "text", "received_at")),
    ],
)
def test_what_was_told_stays_told(fact, day: str, told: tuple[str, ...], world: World, later: World) -> None:  # type: ignore[no-untyped-def]
    before = fact(world)
    after = fact(later).filter(pl.col(day).cast(pl.Date) <= world.today)
    assert before.height > 50
    assert after.select(told).equals(before.select(told))


@pytest.mark.parametrize(
    ("fact", "key"),
    [
        (repairs.repairs, ["repair_id"]),
        (letters.letters, ["letter_id"]),
        (accounts.accounts, ["account_id"]),
        (certificates.certificates, ["certificate_id"]),
        (rentals.rentals, ["rental_id"]),
        (rentals.tenants, ["rental_id", "resident_id"]),
        (passages.gates, ["gate_id"]),
    ],
)
def test_what_changed_says_when_and_never_ahead_of_the_day(fact, key: list[str], world: World, later: World) -> None:  # type: ignore[no-untyped-def]
    before, after = fact(world), fact(later)
    for table, seen in ((before, world), (after, later)):
        assert table.select(key).n_unique() == table.height
        assert table["updated_at"].max() < seen.now
    changed = after.join(before, on=after.columns, how="anti", nulls_equal=True)
    assert 0 < changed.height < after.height * 0.6
    # what was not seen before may have been true before: somebody arrives with a licence and is paid into an account
    known = changed.join(before, on=key, how="semi")
    assert (known["updated_at"] >= world.now).all()
    assert fact is accounts.accounts or known.height > 0


def test_counts_of_an_hour_are_the_same_whenever_asked(world: World, later: World) -> None:
    since, until = passages.day_of(world)
    counts = passages.counts(world, since, until)
    assert passages.counts(later, since, until).equals(counts)
    assert passages.counts(world, since, until - timedelta(hours=12)).equals(counts.head(0).extend(
        counts.filter(pl.col("hour") < until - timedelta(hours=12))
    ))  # fmt: skip
    gates = passages.gates(world)
    silent = gates.height * 24 - counts.height
    assert 0 < silent < 0.06 * gates.height * 24
    assert counts.select("gate_id", "hour").is_unique().all()


def test_assessments_run_out_and_degrees_only_grow(world: World, later: World) -> None:
    old = elders.elders(world)
    assessed = old.filter(pl.col("level").is_not_null())
    assert 0.5 < assessed.height / old.height < 0.9
    assert (assessed["assessed_on"] <= world.today).all()
    lapsed = (assessed["valid_to"] < world.today).sum()
    assert 0 < lapsed < 0.25 * assessed.height
    assert (
        old.filter(pl.col("level").is_null()).select("assessed_on", "valid_to").null_count().row(0)
        == (old.height - assessed.height,) * 2
    )
    degree = {level: number for number, level in enumerate(elders.LEVELS)}
    both = assessed.join(elders.elders(later), on="resident_id", suffix="_later")
    now, then = (both[name].replace_strict(degree, return_dtype=pl.Int64) for name in ("level", "level_later"))
    assert (then >= now).all() and (then > now).any()
    gone = old.filter(pl.col("ended_on").is_not_null())
    assert gone.height > 0 and (gone["ended_on"] > world.today - elders.ENDED_FOR).all()


def test_who_is_paid_has_an_account_and_closed_ones_have_their_day(world: World) -> None:
    held = accounts.accounts(world)
    assert set(held["resident_id"]) == set(world.payments["resident_id"])
    closed = held.filter(pl.col("state") == "closed")
    assert closed["closed_on"].null_count() == 0 and (closed["closed_on"] > closed["opened_on"]).all()
    assert held.filter(pl.col("state") != "closed")["closed_on"].null_count() == held.height - closed.height
    paid = world.payments.join(held, on=["resident_id", "account_no"], how="inner")
    own = paid.height / world.payments.height
    assert 0.94 < own < 0.98  # one in twenty-five is paid into somebody else's
    returned = paid.filter((pl.col("state") == "returned") & (pl.col("state_right") == "closed"))
    assert returned.height > 0 and (returned["closed_on"] < returned["ordered_on"]).all()


def test_certificates_run_out_and_are_replaced(world: World) -> None:
    held = certificates.certificates(world)
    assert (held["resident_id"].is_null() == held["enterprise_id"].is_not_null()).all()
    assert (held["issued_on"] <= world.today).all()
    newest = held.filter(~pl.col("replaced"))
    holders = newest.select(pl.coalesce("resident_id", "enterprise_id"), "kind")
    assert holders.is_unique().all()
    ends = newest.filter(pl.col("valid_to").is_not_null())
    assert 0.01 < (ends["valid_to"] < world.today).mean() < 0.1
    assert (ends["valid_to"] > ends["issued_on"]).all()
    old = held.filter("replaced")
    assert old.height > 100 and old["valid_to"].null_count() == 0


def test_filed_homes_are_where_their_tenants_are(world: World) -> None:
    filed = rentals.rentals(world)
    houses = filed.filter(pl.col("premises_id").is_not_null())
    assert houses.height == world.premises.filter(pl.col("category") == "rental_housing").height
    living = rentals.tenants(world).join(world.residents, on="resident_id").join(filed, on="rental_id", suffix="_filed")
    here = living.filter(pl.col("moved_out").is_null() & pl.col("ended_on").is_null())
    assert (here["address_id"] == here["address_id_filed"]).mean() > 0.98
    codes = rentals.unit_codes(world.addresses)
    assert codes.is_unique().all()


def test_staff_come_go_and_move(world: World, later: World) -> None:
    now, then = staff.staff(world), staff.staff(later)
    assert (now["since"] <= world.today).all()
    assert now.filter(pl.col("circle") == "grid")["grid_id"].n_unique() > 110
    assert set(now["circle"]) == set(staff.CIRCLES)
    both = now.join(then, on="person_id", suffix="_later")
    assert 0.85 * now.height < both.height < now.height
    moved = both.filter(pl.col("unit") != pl.col("unit_later"))
    assert (moved["since_later"] > world.today).all()
    assert (both["circle"] == both["circle_later"]).all()


def test_renewals_come_early_late_or_never() -> None:
    ids = np.arange(20_000)
    first = np.full(len(ids), 10_000)
    today = 10_000 + 5 * 365
    turn, start, last = cycles.renewals(ids, first, 365, today, "a", late=0.2, dropped=0.1)
    assert (start <= today).all() and (last - start >= 0).all()
    assert 0.05 < (last < today).mean() < 0.3
    assert set(np.unique(turn)) == {0, 1, 4, 5}
    # nothing that was given is taken back on the next day
    again, begun, _ = cycles.renewals(ids, first, 365, today + 1, "a", late=0.2, dropped=0.1)
    assert (again >= turn).all() and (begun[again > turn] == today + 1).all()


def test_a_day_has_its_things_for_ever(world: World, later: World) -> None:
    before, _ = cycles.daily(world, 50.0, "x")
    after, days = cycles.daily(later, 50.0, "x")
    assert (after[: len(before)] == before).all() and len(after) > len(before)
    assert len(np.unique(after)) == len(after)
    assert datetime.fromtimestamp(int(days[-1]) * 86_400).date() <= later.today
