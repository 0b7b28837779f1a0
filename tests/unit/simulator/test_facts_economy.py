"""True facts of the economy: as many as the town has, the same from a later day, and in keeping with each other."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from simulator.world import World, advance, generate
from simulator.world.facts import buildings, feeds, indicators, leases, licences, penalties, services, sites
from simulator.world.facts.draws import last_month_end, months

SCALE = 0.1


@pytest.fixture(scope="module")
def world() -> World:
    return generate(SCALE, 11)


@pytest.fixture(scope="module")
def later(world: World) -> World:
    return advance(world, 40)


def test_there_are_as_many_as_the_town_has(world: World) -> None:
    days = (world.today - date(2025, 10, 1)).days + 1
    month = last_month_end(world.today)
    assert 5_000 <= leases.leases(world, month, month).height / SCALE <= 11_000
    assert 5 <= services.demands(world).height / SCALE / days <= 20
    assert 10 <= penalties.penalties(world).height / SCALE / days <= 40
    assert 50 <= buildings.buildings(world).height / SCALE <= 220
    assert 80 <= sites.sites(world).height / SCALE <= 140
    assert licences.licences(world).height >= 3
    assert feeds.feeds(world).height == 30
    assert 70 <= indicators.indicators(world).select("code", "provider").n_unique() <= 120


@pytest.mark.parametrize(
    ("fact", "day", "told"),
    [
        (services.visits, "visited_at", ("visit_id", "enterprise_id", "visitor", "problem", "text", "visited_at")),
        (services.demands, "reported_at", ("demand_id", "enterprise_id", "category", "text", "source", "reported_at")),
        (penalties.penalties, "decided_on", ("decision_id", "party", "name", "matter", "kind", "amount", "decided_on")),
        (sites.dust, "day", ("permit_no", "day", "pm10", "pm10_max", "hours", "updated_at")),
    ],
)
def test_what_was_true_stays_true(fact, day: str, told: tuple[str, ...], world: World, later: World) -> None:  # type: ignore[no-untyped-def]
    before = fact(world)
    after = fact(later).filter(pl.col(day).cast(pl.Date) <= world.today)
    assert before.height > 50
    assert after.select(told).equals(before.select(told))
    assert fact(later).height > before.height


@pytest.mark.parametrize(
    ("fact", "key"),
    [(services.visits, "visit_id"), (services.demands, "demand_id"), (penalties.penalties, "decision_id")],
)
def test_what_changed_says_when_and_never_ahead_of_the_day(fact, key: str, world: World, later: World) -> None:  # type: ignore[no-untyped-def]
    for seen in (world, later):
        table = fact(seen)
        assert table[key].n_unique() == table.height
        assert table["updated_at"].max() < seen.now
    both = fact(world).join(fact(later), on=key, suffix="_later")
    moved = both.filter(pl.col("updated_at") != pl.col("updated_at_later"))
    assert 0 < moved.height < both.height
    assert moved["updated_at_later"].min() >= world.now


def test_leases_of_a_firm_follow_each_other(world: World) -> None:
    years = leases.leases(world, world.today - timedelta(days=3 * 365), world.today).sort("enterprise_id", "started_on")
    next_start = years["started_on"].shift(-1)
    same = (years["enterprise_id"] == years["enterprise_id"].shift(-1)).fill_null(False)
    follows = years.filter(same).with_columns(next_start.filter(same).alias("next"))
    assert follows.height > 100
    assert (follows["next"] - follows["ends_on"] == timedelta(days=1)).all()
    assert 0.03 < years["ends_on"].null_count() / years["enterprise_id"].n_unique() < 0.12


def test_a_quarter_counts_the_leases_of_its_last_day(world: World) -> None:
    quarter = buildings.quarters(world).filter(pl.col("ended_on") == date(2026, 3, 31))
    running = leases.leases(world, date(2026, 3, 31), date(2026, 3, 31)).group_by("building_id").len()
    both = quarter.join(running, on="building_id")
    assert both.height > 5
    assert (both["tenants"] == both["len"]).all()
    assert buildings.quarters(world)["ended_on"].n_unique() == buildings.QUARTERS


def test_some_sites_have_ended_and_stand_open(world: World) -> None:
    ended = sites.sites(world).filter(pl.col("ended_on").is_not_null())
    assert 0 < ended.filter(pl.col("state") != "completed").height < ended.height
    last = sites.dust(world).group_by("premises_id").agg(pl.col("day").max())
    assert (last.join(ended, on="premises_id").select(pl.col("day") <= pl.col("ended_on")).to_series()).all()


def test_feeds_stand_still_and_change_silently(world: World, later: World) -> None:
    before, after = feeds.feeds(world), feeds.feeds(later)
    late = after.filter((pl.col("cycle") == "daily") & (pl.col("filled_at") < later.now - timedelta(days=30)))
    assert 0 < late.height < after.filter(pl.col("cycle") == "daily").height / 2
    both = before.join(after, on="code", suffix="_later")
    changed = both.filter(pl.col("fields") != pl.col("fields_later"))
    assert changed.filter(pl.col("version") == pl.col("version_later")).height > 0


def test_departments_count_one_indicator_in_their_own_ways(world: World) -> None:
    today = indicators.indicators(world).filter(pl.col("day") == world.today)
    people = today.filter(pl.col("code") == "ZL0001").sort("value")
    assert people.height == 2 and people["definition"].n_unique() == 2
    assert people["value"].to_list() == pytest.approx([18 * SCALE, 33 * SCALE], rel=0.02)


def test_months_and_month_ends() -> None:
    assert months(date(2025, 11, 30), date(2026, 1, 1)) == [date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1)]
    assert last_month_end(date(2026, 6, 30)) == date(2026, 6, 30)
    assert last_month_end(date(2026, 6, 29)) == date(2026, 5, 31)
