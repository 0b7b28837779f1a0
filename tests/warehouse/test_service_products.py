"""The products of economy, party, service and overview from landing to candidate, and with an input that failed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from quality.families import family_named

from .conftest import DbtRun, DbtTown
from .service_rows import OWNER, PHONE, land

FAMILIES = ("economy", "party", "service", "overview")
SELECTED = [f"+products.{family}" for family in FAMILIES]


@pytest.fixture(scope="module")
def build(dbt_town: DbtTown) -> DbtRun:
    """These families and all that they are built from."""
    land(dbt_town)
    dbt_town.load_everything()
    cautious = ("--indirect-selection", "cautious", "--exclude-resource-type", "unit_test")
    return dbt_town.dbt("build", *cautious, "--select", *SELECTED)


def test_they_build_and_their_tests_pass(build: DbtRun) -> None:
    assert build.code == 0, build.output[-4000:]
    assert set(build.results().values()) == {"success", "pass"}


def test_an_enterprise_is_told_without_its_people(build: DbtRun, dbt_town: DbtTown) -> None:
    profile = (
        "SELECT enterprise_key, name, status_check, visits_12_months, overdue_demands, tax_12_months,"
        " tax_12_months_before, tax_trend, leases_ending FROM candidate.enterprise_profile ORDER BY 1"
    )
    assert dbt_town.rows(profile) == [
        ("E1", "恒信贸易有限公司", "agree", 1, 1, Decimal("2349.50"), Decimal("1200.00"), "rising", 1),
        ("E2", None, "conflict", 0, 0, Decimal("0.00"), Decimal("0.00"), "no_base", 0),
    ]


@pytest.mark.parametrize("product", [product.name for name in FAMILIES for product in family_named(name).products])
def test_no_product_tells_who(product: str, build: DbtRun, dbt_town: DbtTown) -> None:
    told = "".join(row[0] for row in dbt_town.rows(f"SELECT t::text FROM candidate.{product} AS t"))
    assert told and OWNER not in told and PHONE not in told


def test_leases_and_buildings(build: DbtRun, dbt_town: DbtTown) -> None:
    assert dbt_town.rows("SELECT lease_no, warning_level FROM candidate.lease_expiry ORDER BY 1") == [
        ("L1", "urgent"), ("L2", "open_ended"), ("L3", "unknown"),
    ]  # fmt: skip
    assert dbt_town.rows("SELECT building_code, state, occupied_share FROM candidate.building_economy ORDER BY 1") == [
        ("LY1", "known", Decimal("0.5000")), ("LY2", "unknown", None),
    ]  # fmt: skip


def test_an_index_that_rests_on_too_little_is_unknown(build: DbtRun, dbt_town: DbtTown) -> None:
    assert dbt_town.rows("SELECT DISTINCT state, index_value FROM candidate.business_environment") == [
        ("unknown", None)
    ]


def test_without_tax_the_rest_is_still_told(build: DbtRun, dbt_town: DbtTown) -> None:
    profile = "SELECT tax_trend, tax_12_months, status_check, open_demands FROM candidate.enterprise_profile ORDER BY 1"
    before = dbt_town.rows(profile)
    dbt_town.load("tax_analysis", "collections", "failed")
    dbt_town.rebuild("dim_input")
    assert set(dbt_town.rows(profile)) == {("unknown", None, "agree", 1), ("unknown", None, "conflict", 0)}
    dbt_town.load("tax_analysis", "collections")
    dbt_town.rebuild("dim_input")
    assert dbt_town.rows(profile) == before


def test_organisations_places_and_deliberations(build: DbtRun, dbt_town: DbtTown) -> None:
    organisation = "SELECT members, women, under_35, service_points, activities_12_months, suppressed FROM candidate."
    assert dbt_town.rows(organisation + "party_organisation") == [(100, None, 20, 1, 2, ["women"])]
    places = "SELECT service_point_key, place, opening, state FROM candidate.service_point ORDER BY 1"
    assert dbt_town.rows(places) == [
        ("party_building:FW1", "known", "hours", "open"), ("service_circle:C1", "unknown", "all_day", "open"),
    ]  # fmt: skip
    # Ten people voted twice: what was adopted is not what the vote says.
    topics = "SELECT valid_votes, double_votes, outcome, days_to_decision FROM candidate.deliberation"
    assert dbt_town.rows(topics) == [(35, 10, "decided_against_the_vote", 10)]


def test_indicators_topics_and_the_case_study(build: DbtRun, dbt_town: DbtTown) -> None:
    indicators = "SELECT provider, value, comparability FROM candidate.town_indicator ORDER BY 2"
    assert dbt_town.rows(indicators) == [
        ("市统计局", Decimal("180000.0000"), "differing_definitions"),
        ("市公安局", Decimal("331000.0000"), "differing_definitions"),
    ]
    assert dbt_town.rows("SELECT topic, items, negative, mood FROM candidate.topic") == [("停车", 1, None, "too_few")]
    figures = {
        row[0]: row[1:] for row in dbt_town.rows("SELECT figure_code, hub_value, state FROM candidate.case_study")
    }
    # April and May have five each; of June, a whole month by its last day, the feed tells nothing: that counts too.
    assert figures["events"] == (10, "counted")
    assert figures["events_per_month"] == (pytest.approx(Decimal("3.3333")), "counted")
    assert figures["snapshot_reports"] == (None, "unknown"), "nine are too few to be told"
    assert figures["city_indicators"] == (1, "counted")
    assert figures["party_organisations"] == (None, "not_permitted")


def test_a_silent_source_of_the_case_study_is_unknown(build: DbtRun, dbt_town: DbtTown) -> None:
    figure = "SELECT state, hub_value FROM candidate.case_study WHERE figure_code = 'events'"
    dbt_town.load("four_platform", "events", "failed")
    dbt_town.rebuild("dim_input")
    assert dbt_town.rows(figure) == [("unknown", None)]
    dbt_town.load("four_platform", "events")
    dbt_town.rebuild("dim_input")
    assert dbt_town.rows(figure) == [("counted", 10)]
