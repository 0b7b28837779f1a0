"""What decides the policies without a register of their own: emergencies and bills, incomes, illnesses, assessments."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from resolution import things
from simulator import systems
from simulator.world import World, advance, generate, needs, payments
from simulator.world.entitlements import ill, in_hardship
from simulator.world.facts import elders, illnesses, surveys
from simulator.world.welfare import MARGIN, POVERTY_LINE

SCALE, SEED = 0.1, 11


@pytest.fixture(scope="module")
def world() -> World:
    return generate(SCALE, SEED)


@pytest.fixture(scope="module")
def later(world: World) -> World:
    return advance(world, 3)


def cases(world: World) -> pl.DataFrame:
    listed = world.min_living_members.join(world.min_living, on="family_no")
    return needs.applications(world.today, world.residents, listed, world.seed)


def key(world: World, policy: int) -> pl.DataFrame:
    return world.entitlements.filter(pl.col("policy") == policy)


@pytest.mark.parametrize("policy", [needs.EMERGENCY, needs.BILLS])
def test_whoever_is_paid_had_a_case_that_the_rules_help_with(world: World, policy: int) -> None:
    since = world.today - timedelta(days=100)
    paid = world.payments.filter((pl.col("policy") == policy) & (pl.col("ordered_on") > since))
    mine = cases(world).filter((pl.col("policy") == policy) & (pl.col("decided_on") <= world.today))
    assert paid.height > 2
    both = paid.join(mine, left_on=["resident_id", "ordered_on"], right_on=["resident_id", "decided_on"], how="left")
    assert both["happened_on"].is_not_null().all()
    assert (both["happened_on"] < both["asked_on"]).all() and (both["asked_on"] < both["ordered_on"]).all()
    if policy == needs.EMERGENCY:
        assert both["due"].all()
    refused = mine.filter(~pl.col("due"))
    assert refused.height > 0
    assert refused.join(paid, on="resident_id", how="inner").filter(pl.col("truth_error").is_null()).height <= 1


def test_the_key_follows_cost_income_and_day(world: World) -> None:
    lately = cases(world).filter(pl.col("happened_on") > world.today - timedelta(days=needs.WITHIN_DAYS))
    relief = lately.filter(pl.col("policy") == needs.EMERGENCY)
    within = (pl.col("cost") >= needs.LEAST_COST) & (pl.col("income") <= needs.MOST_INCOME)
    assert relief.select((within == pl.col("due")).all()).item()
    assert set(key(world, 4)["resident_id"]) == set(relief["resident_id"])
    entitled = key(world, 4).filter("eligible")["resident_id"]
    assert 0 < entitled.len() < relief["resident_id"].n_unique()
    assert (
        relief.filter(pl.col("resident_id").is_in(entitled.implode()))
        .group_by("resident_id")
        .agg(pl.col("due").any())["due"]
        .all()
    )
    bills = lately.filter(pl.col("policy") == needs.BILLS)
    assert bills.filter(pl.col("cost") >= needs.CATASTROPHIC)["due"].all()
    small = bills.filter((pl.col("cost") < needs.CATASTROPHIC) & ~pl.col("is_poor"))
    assert small.height > 0 and not small["due"].any()


def test_nobody_is_told_of_what_has_not_happened(world: World, later: World) -> None:
    told = systems.view("welfare_payment", world, seed=SEED)["applications"].frame
    known = cases(world).filter(pl.col("asked_on") <= world.today)
    assert told["sqbh"].n_unique() == known.height
    assert (cases(world)["happened_on"] <= world.today).all()
    # what was asked for stays as it was asked for
    before, after = known.drop("decided_on"), cases(later).drop("decided_on")
    assert before.join(after, on=before.columns, how="anti").height <= 0.02 * before.height


def test_pay_days_of_needs_are_those_of_payments() -> None:
    for policy, day in needs.PAY_DAY.items():
        assert {(month, day) for month in range(1, 13)} == set(payments.PAY_DAYS[policy])


def test_visits_tell_who_is_poor(world: World) -> None:
    told = surveys.surveys(world)
    assert told["resident_id"].is_unique().all() and (told["surveyed_on"] <= world.today).all()
    valid = (
        world.disability.filter(pl.col("status") == "valid")
        .join(world.residents, on="resident_id")
        .filter(pl.col("death_date").is_null() & pl.col("moved_out").is_null())
    )
    late = told.filter(pl.col("surveyed_on") >= world.today - timedelta(days=400))
    assert valid.join(late, on="resident_id", how="semi").height >= 0.96 * valid.height
    poor = pl.Series(in_hardship(told["resident_id"].to_numpy(), world.seed))
    says_poor = told["income"] < POVERTY_LINE * MARGIN
    assert says_poor.filter(poor).all()
    listed = told["resident_id"].is_in(world.min_living_members["resident_id"].implode())
    assert says_poor.filter(~poor & ~listed).mean() < 0.02


def test_grave_illnesses_are_filed_for_the_gift_of_their_year(world: World) -> None:
    filed = illnesses.illnesses(world)
    assert (filed["filed_on"] <= world.today).all() and (filed["diagnosed_on"] < filed["filed_on"]).all()
    assert set(filed["year"]) == {2025, 2026, 2027}
    of_year = filed.filter(pl.col("year") == 2026)
    assert of_year["diagnosed_on"].min() > date(2025, 2, 5) and of_year["diagnosed_on"].max() <= date(2026, 2, 5)
    assert ill(of_year["resident_id"].to_numpy(), world.seed, 2026).all()
    entitled = key(world, 11).filter(pl.col("reason") == "ill")
    assert entitled.height > 50
    missing = entitled.join(of_year, on="resident_id", how="anti")
    assert missing.height <= 0.03 * entitled.height


def test_the_poor_are_assessed_when_they_are_approved(world: World) -> None:
    old = elders.elders(world)
    people = world.residents.select("resident_id", "birth_date", "death_date", "moved_out")
    approved = world.min_living.filter(
        pl.col("category").is_in(["dibao", "dibian"]) & (pl.col("valid_to") >= world.today)
    )
    members = (
        world.min_living_members.join(approved.select("family_no"), on="family_no")
        .join(people, on="resident_id")
        .filter(
            (pl.col("birth_date") < date(1966, 1, 1)) & pl.col("death_date").is_null() & pl.col("moved_out").is_null()
        )
    )
    known = members.join(old, on="resident_id", how="inner")
    assert members.height > 10 and known.height == members.height
    assert known["assessed_on"].is_not_null().mean() > 0.9


def test_the_key_of_care_asks_age_hardship_and_assessment(world: World) -> None:
    judged = key(world, 9).join(world.residents.select("resident_id", "birth_date"), on="resident_id")
    entitled = judged.filter("eligible")
    assert entitled.height > 0 and set(entitled["reason"]) == {"assessed"}
    assert (entitled["birth_date"] <= date(1966, 6, 30)).all()
    degree = elders.elders(world).join(entitled, on="resident_id", how="semi")
    assert degree.height == entitled.height and not degree["level"].is_in(["able"]).any()
    nursed = key(world, 7).filter("eligible")
    assert entitled.join(nursed, on="resident_id", how="semi").is_empty()


def test_no_register_tells_of_a_death_before_it_is_registered(world: World) -> None:
    """So a bench may tell apart whom nobody could have known to be dead: without those deaths the rows are the same."""
    waiting = pl.col("death_date").is_not_null() & pl.col("death_registered_on").is_null()
    assert world.residents.filter(waiting).height > 5
    alive = world.residents.with_columns(death_date=pl.when(waiting).then(None).otherwise("death_date"))
    unaware = world.having(residents=alive)
    for system in sorted({source.system for source in things.RESIDENTS}):
        told, without = (systems.view(system, one, seed=SEED) for one in (world, unaware))
        for stream, served in told.items():
            if (system, stream) == ("pension", "illnesses"):
                continue  # an illness after the death is none: nobody is told of the death by its absence
            assert served.frame.equals(without[stream].frame), (system, stream)
