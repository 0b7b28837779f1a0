"""The town is the same for the same seed, obeys the standards and looks like the case study."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shapely

from connectors.standards import credit_code, device_id, disability, legacy_tax, resident_id
from simulator.truth import WHO_IS_WHO, write_truth
from simulator.world import TABLES, World, advance, generate, load, save, sensor_messages
from simulator.world import calibration as case
from simulator.world.geography import ground
from simulator.world.incidents import labels

SCALE = 0.05


@pytest.fixture(scope="module")
def town() -> World:
    return generate(SCALE, seed=7)


@pytest.fixture(scope="module")
def later(town: World) -> World:
    return advance(town, 35)  # past a month's first, a month's end and several pay days


def _present(residents: pl.DataFrame) -> pl.DataFrame:
    return residents.filter(pl.col("death_date").is_null() & pl.col("moved_out").is_null())


def test_same_seed_same_town(town: World) -> None:
    again, other = generate(SCALE, seed=7), generate(SCALE, seed=8)
    for name in TABLES:
        assert getattr(town, name).equals(getattr(again, name)), name
    assert not town.residents.equals(other.residents)
    assert not town.grids.equals(other.grids)


@pytest.mark.parametrize("scale", [0.0, 11, -1])
def test_scale_out_of_range_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="scale 1 is a town of 330,000"):
        generate(scale)


def test_smallest_town_lives() -> None:
    town = advance(generate(0.001, seed=3), 40)
    assert all(getattr(town, name).height > 0 for name in TABLES if name not in ("min_living", "min_living_members"))


def test_counts_follow_the_scale(town: World) -> None:
    here = _present(town.residents)
    assert here["registered"].sum() == round(case.REGISTERED * SCALE)
    assert here["migrant"].sum() == round(case.MIGRANTS * SCALE)
    assert (town.enterprises["status"] == "open").sum() == round(case.ENTERPRISES * SCALE)
    coded = town.premises.filter("coded")["category"].value_counts(name="n")
    assert dict(coded.rows()) == {name: max(1, round(n * SCALE)) for name, (n, _) in case.PREMISES.items()}
    told = dict(town.reports["channel"].value_counts(name="n").rows())
    assert {name: told[name] for name in case.REPORTS} == {n: round(v * SCALE) for n, v in case.REPORTS.items()}
    assert town.inspections.height == round(case.INSPECTIONS * SCALE)
    assert town.hazards.height == round(case.HAZARDS * SCALE)
    assert 200_000 < town.addresses.height / SCALE < 300_000


def test_taxes_are_told_for_two_years_and_a_month(town: World) -> None:
    """A trend compares twelve months with the twelve before; the newest month is the one before the first day."""
    months = town.taxes["period"].unique().sort().to_list()
    since = case.TAX_HISTORY_START.year * 12 + case.TAX_HISTORY_START.month - 2
    assert months == [f"{(since + n) // 12}-{(since + n) % 12 + 1:02d}" for n in range(25)]
    assert months[-1] == "2026-05"
    old = town.enterprises.filter(pl.col("registered_on") < case.TAX_HISTORY_START - timedelta(days=40))
    payers = town.taxes.join(old, on="enterprise_id", how="semi")
    years = [payers.filter(pl.col("period").is_in(part))["amount"].sum() for part in (months[1:13], months[13:])]
    assert years[0] == pytest.approx(years[1], rel=0.25)


def test_welfare_is_near_the_case_study(town: World) -> None:
    paid = town.payments
    assert paid.height / SCALE == pytest.approx(case.PAYMENTS, rel=0.08)
    assert paid["resident_id"].n_unique() / SCALE == pytest.approx(case.PAYEES, rel=0.08)
    assert paid["amount"].mean() / 100 == pytest.approx(case.MEAN_PAYMENT_YUAN, rel=0.15)


def test_numbers_obey_their_standards(later: World) -> None:
    people = later.residents
    assert people["id_no"].n_unique() == people.height
    assert resident_id.is_valid(people["id_no"]).all()
    assert resident_id.birth_date(people["id_no"]).equals(people["birth_date"].alias("id_no"))
    assert (resident_id.sex(people["id_no"]) == people["sex"]).all()
    firms = later.enterprises
    assert firms["credit_code"].n_unique() == firms.height
    assert credit_code.is_valid(firms["credit_code"]).all()
    assert resident_id.is_valid(firms["legal_rep_id_no"]).all()
    old = firms["legacy_tax_no"].drop_nulls()
    assert set(old.str.len_chars()) == {15, 20}
    assert legacy_tax.kind(old).is_not_null().all()
    assert disability.is_valid(later.disability["certificate_no"]).all()
    cameras = later.cameras["device_id"]
    assert cameras.n_unique() == len(cameras)
    assert device_id.is_valid(cameras).all()
    imei = np.array(later.elder_sensors["device_id"].str.split("").to_list(), dtype=int)
    doubled = imei[:, 1::2] * 2
    assert imei.shape[1] == 15
    assert ((imei[:, ::2].sum(axis=1) + (doubled // 10 + doubled % 10).sum(axis=1)) % 10 == 0).all()


def test_grids_tile_the_town_and_hold_their_addresses(town: World) -> None:
    cells = shapely.from_wkt(town.grids["polygon"].to_numpy())
    assert shapely.is_valid(cells).all()
    whole = shapely.unary_union(cells)
    assert whole.geom_type == "Polygon"
    assert not whole.interiors  # no gap
    assert sum(cell.area for cell in cells) == pytest.approx(whole.area, rel=1e-9)  # no overlap
    outlines = shapely.from_wkt(town.communities["polygon"].to_numpy())
    for community, outline in zip(town.communities["community_id"], outlines, strict=True):
        members = np.flatnonzero(town.grids["community_id"].to_numpy() == community)
        assert len(members) > 0
        assert shapely.unary_union(cells[members]).symmetric_difference(outline).area < 1e-11
    assert town.grids["code"].str.len_chars().unique().to_list() == [15]
    assert town.grids["code"].str.slice(0, 12).is_in(town.communities["code"].implode()).all()
    doors = town.addresses
    inside = shapely.contains_xy(
        shapely.buffer(cells, 1e-6)[doors["grid_id"].to_numpy() - 1], doors["lon"].to_numpy(), doors["lat"].to_numpy()
    )
    assert inside.all()
    assert ground(7).town.area / 1e6 == pytest.approx(case.TOWN_AREA_KM2, rel=0.02)


def test_every_reference_leads_somewhere(later: World) -> None:
    keys = {
        "resident_id": later.residents["resident_id"],
        "household_id": later.households["household_id"],
        "address_id": later.addresses["address_id"],
        "enterprise_id": later.enterprises["enterprise_id"],
        "premises_id": later.premises["premises_id"],
        "grid_id": later.grids["grid_id"],
        "inspector_id": later.inspectors["inspector_id"],
        "inspection_id": later.inspections["inspection_id"],
        "incident_id": later.incidents["incident_id"],
        "family_no": later.min_living["family_no"],
    }
    roles = {
        "former_address_id": "address_id",
        "head_resident_id": "resident_id",
        "legal_rep_resident_id": "resident_id",
        "reporter_resident_id": "resident_id",
        "guardian_resident_id": "resident_id",
        "reinspected_by": "inspector_id",
    }
    for name, key in keys.items():
        assert key.n_unique() == len(key), name
    for table in TABLES:
        frame = getattr(later, table)
        for column in frame.columns:
            target = roles.get(column, column)
            if target in keys:
                assert frame[column].drop_nulls().is_in(keys[target].implode()).all(), f"{table}.{column}"


def test_the_traps_of_identity_are_set(town: World) -> None:
    people = town.residents
    assert people["name"].value_counts(name="n")["n"].max() > 5  # namesakes
    assert people["name"].str.contains("·").any()
    assert people["name"].str.contains("[䶮𠮷㐱]").any()
    children = people.filter(pl.col("relation").is_in(["20", "30"]))
    assert children.group_by("household_id", "birth_date").len().filter(pl.col("len") > 1).height > 5  # twins
    new_year = (pl.col("birth_date").dt.month() == 1) & (pl.col("birth_date").dt.day() == 1)
    old = people.filter(pl.col("birth_date") < date(1956, 1, 1))
    assert old.filter(new_year).height / old.height > 3 / 365
    assert people["stated_birth_date"].is_not_null().mean() > 0.01
    phones = people.filter(pl.col("phone").is_not_null())
    assert 0.05 < phones.select(pl.col("phone").is_duplicated().mean()).item() < 0.4
    recycled = people.select(pl.col("former_phone").drop_nulls().is_in(people["phone"].drop_nulls().implode()).sum())
    assert recycled.item() > 0
    assert people["has_legacy_15"].any()
    assert people.filter("has_legacy_15")["birth_date"].max() < date(1986, 1, 1)


def test_families_make_sense(town: World) -> None:
    people = town.residents
    heads = people.select("household_id", head_birth="birth_date", head_id="resident_id", own="relation")
    heads = heads.filter(pl.col("own") == "02")
    assert heads["household_id"].is_unique().all()
    joined = people.join(heads, on="household_id")
    years = (pl.col("birth_date") - pl.col("head_birth")).dt.total_days() / 365.25
    gap = joined.select("relation", gap=years)
    assert gap.filter(pl.col("relation").is_in(["20", "30"]))["gap"].min() > 12
    assert gap.filter(pl.col("relation").is_in(["51", "52"]))["gap"].max() < -18


def test_hazard_shows_in_findings_and_fires(town: World) -> None:
    hazard = town.premises.select("premises_id", "true_hazard")
    routine = town.inspections.filter(pl.col("kind") == "routine").join(hazard, on="premises_id")
    by_result = dict(routine.group_by("result").agg(pl.col("true_hazard").mean()).rows())
    assert by_result["hazard"] > by_result["pass"] + 0.05
    struck = town.incidents.filter(pl.col("premises_id").is_not_null()).join(hazard, on="premises_id")
    assert struck["true_hazard"].mean() > hazard["true_hazard"].mean() + 0.1


def test_few_premises_make_most_of_what_happens(town: World) -> None:
    """Four fifths are at the worst fifth, and they are as many as before: some 160 a year at 1,000 premises."""
    futures = [labels(town.premises, town.today, 90, seed) for seed in range(30)]
    events = pl.sum_horizontal(
        *(future.select(pl.sum_horizontal(pl.exclude("premises_id"))).to_series() for future in futures)
    )
    ranked = town.premises.select("true_hazard", events=events).sort("true_hazard", descending=True)
    assert 0.72 < ranked["events"].head(len(ranked) // 5).sum() / ranked["events"].sum() < 0.88
    assert 0.03 < ranked["events"].mean() / len(futures) < 0.05


def test_coverage_is_as_poor_as_on_paper(town: World) -> None:
    coded = town.premises.filter("coded")["premises_id"]
    june = town.inspections.filter(pl.col("inspected_at") >= datetime(2026, 6, 1))["premises_id"]
    assert 0.1 < june.n_unique() / len(coded) < 0.25
    assert town.inspections["premises_id"].is_in(coded.implode()).all()
    assert town.inspections["premises_id"].n_unique() < 0.75 * len(coded)


def test_hazards_are_mended_after_they_are_found_and_checked_by_another(later: World) -> None:
    hazards = later.hazards.join(
        later.inspections.select("inspection_id", "inspector_id", "result"), on="inspection_id"
    )
    assert (hazards["result"] == "hazard").all()
    assert hazards.filter(pl.col("fixed_at") <= pl.col("found_at")).is_empty()
    assert hazards.filter(pl.col("reinspected_by") == pl.col("inspector_id")).is_empty()
    assert 0.5 < hazards["fixed_at"].is_not_null().mean() < 0.95
    fixed_later = later.hazards.join(hazards.select("hazard_id"), on="hazard_id")["fixed_at"].is_not_null().sum()
    assert fixed_later > 0


def test_nothing_lies_in_the_future(later: World) -> None:
    for table in TABLES:
        frame = getattr(later, table)
        for column, kind in frame.schema.items():
            if kind == pl.Datetime("us"):
                assert (frame[column].drop_nulls() < later.now).all(), f"{table}.{column}"
    for column in ("birth_date", "moved_in", "moved_out", "death_date", "death_registered_on"):
        assert later.residents[column].drop_nulls().max() <= later.today


def test_steps_of_a_report_follow_each_other(later: World) -> None:
    steps = ["reported_at", "received_at", "assigned_at", "handled_at", "closed_at", "feedback_at"]
    for first, second in pairwise(steps):
        both = later.reports.filter(pl.col(second).is_not_null())
        assert both[first].is_not_null().all()
        assert (both[first] <= both[second]).all()
    assert later.reports.select(pl.max_horizontal(steps) == pl.col("updated_at")).to_series().all()


def test_several_channels_tell_of_one_incident(town: World) -> None:
    told = town.reports.group_by("incident_id").agg(pl.col("channel").n_unique(), pl.len())
    assert told.height == town.incidents.height
    assert (told["channel"] > 1).mean() > 0.03
    assert (told["len"] > told["channel"]).any()  # and some repeat in one channel
    fires = town.incidents.filter(pl.col("kind") == "fire")["incident_id"]
    called = town.reports.filter(pl.col("channel") == "fire_119")["incident_id"]
    assert set(fires) == set(called)


def test_payments_agree_with_entitlements_but_for_known_mistakes(town: World) -> None:
    right = town.payments.filter(pl.col("truth_error").is_null())
    assert not right.select("policy", "resident_id", "period").is_duplicated().any()
    truth = town.entitlements.filter(pl.col("policy") == 8)
    paid = right.filter((pl.col("policy") == 8) & (pl.col("period") == "2026"))
    wrong = paid.join(truth.filter("eligible"), on="resident_id", how="anti").join(town.residents, on="resident_id")
    # those who died or left after the pay day were rightly paid
    assert wrong.filter(pl.col("death_date").is_null() & pl.col("moved_out").is_null()).is_empty()
    unclaimed = truth.filter("eligible").join(paid, on="resident_id", how="anti")
    assert 0.02 < unclaimed.height / truth["eligible"].sum() < 0.15
    dead = town.payments.filter(pl.col("truth_error") == "dead_payee").join(town.residents, on="resident_id")
    assert dead.height > 0
    assert (dead["death_date"] <= dead["ordered_on"]).all()
    assert dead.filter(pl.col("death_registered_on") <= pl.col("ordered_on")).is_empty()


def test_the_answer_key_knows_all_policies(town: World) -> None:
    key = town.entitlements
    assert set(key["policy"]) == set(range(1, 13))
    assert not key.select("policy", "resident_id").is_duplicated().any()
    paid = town.payments.filter(pl.col("truth_error").is_null())
    for policy in (10, 11):  # judged on their pay day: what came later takes nothing
        entitled = key.filter((pl.col("policy") == policy) & pl.col("eligible"))
        assert paid.filter(pl.col("policy") == policy).join(entitled, on="resident_id", how="anti").is_empty()
    supported = key.filter((pl.col("policy") == 3) & pl.col("eligible"))["resident_id"]
    excluded = key.filter(pl.col("policy").is_in([1, 2, 6, 7, 9]) & pl.col("resident_id").is_in(supported.implode()))
    assert not excluded["eligible"].any()


def test_deaths_are_registered_late(later: World) -> None:
    known = later.residents.filter(pl.col("death_registered_on").is_not_null())
    late = (known["death_registered_on"] - known["death_date"]).dt.total_days()
    assert (late.min(), late.max()) >= (7, 50)
    assert late.max() <= 56
    waiting = later.residents.filter(pl.col("death_date").is_not_null() & pl.col("death_registered_on").is_null())
    assert (waiting["death_date"] > later.today - timedelta(days=56)).all()


def test_a_month_of_life_changes_every_register(town: World, later: World) -> None:
    assert later.today == town.today + timedelta(days=35)
    for name in TABLES:
        before, after = getattr(town, name), getattr(later, name)
        assert after.schema == before.schema, name
    for name in ("residents", "households", "enterprises", "premises", "inspections", "hazards", "incidents",
                 "reports", "pension", "disability", "payments", "taxes"):  # fmt: skip
        assert getattr(later, name).height > getattr(town, name).height, name
    touched = later.residents.join(town.residents.select("resident_id", before="updated_at"), on="resident_id")
    changed = touched.filter(pl.col("updated_at") > pl.col("before"))
    assert changed.height > 0
    # a row with an old time of change is the same row
    same = touched.filter(pl.col("updated_at") == pl.col("before")).drop("before")
    old = town.residents.join(same.select("resident_id"), on="resident_id", how="semi")
    assert same.sort("resident_id").equals(old.sort("resident_id"))


def test_two_days_at_once_equal_two_single_days(town: World) -> None:
    at_once, one_by_one = advance(town, 2), advance(advance(town), 1)
    for name in TABLES:
        assert getattr(at_once, name).equals(getattr(one_by_one, name)), name
    assert advance(town, 0) is town
    with pytest.raises(ValueError, match="back in time"):
        advance(town, -1)


def test_saved_town_lives_on_as_if_it_had_not_been_saved(town: World, tmp_path: Path) -> None:
    save(town, tmp_path)
    restored = load(tmp_path)
    assert (restored.today, restored.seed, restored.scale) == (town.today, town.seed, town.scale)
    lived, awoken = advance(town, 1), advance(restored, 1)
    for name in TABLES:
        assert getattr(restored, name).equals(getattr(town, name)), name
        assert getattr(awoken, name).equals(getattr(lived, name)), name
    with pytest.raises(FileNotFoundError, match="townhub simulate"):
        load(tmp_path / "nowhere")


def test_sensor_messages_do_not_depend_on_the_period_asked_for(town: World) -> None:
    start = datetime(2026, 6, 28)
    whole = sensor_messages(town, start, start + timedelta(hours=30))
    parts = [sensor_messages(town, start + timedelta(hours=h), start + timedelta(hours=h + 1)) for h in range(30)]
    assert whole.equals(pl.concat(parts))
    assert set(whole["event"].unique()) == {"open", "close", "heartbeat"}
    day = whole.filter(pl.col("at") < datetime(2026, 6, 29))
    assert 25 < day.height / town.elder_sensors.height < 50
    assert (day.filter(pl.col("event") == "heartbeat").group_by("device_id").len()["len"] <= 24).all()
    silent = town.elder_sensors.filter(pl.col("state") == "silent")["device_id"]
    assert day["device_id"].is_in(silent.implode()).mean() < 0.01


def test_truth_tells_the_future_of_premises(town: World, tmp_path: Path) -> None:
    people = pl.DataFrame(schema=WHO_IS_WHO)
    names = {path.stem for path in write_truth(town, tmp_path, {"who_is_who": people})}
    assert {"residents", "premises", "report_incident", "entitlements", "payments", "who_is_who"} <= names
    with pytest.raises(ValueError, match="table of the world"):
        write_truth(town, tmp_path, {"residents": people})
    with pytest.raises(ValueError, match="must have the columns"):
        write_truth(town, tmp_path, {"who_is_who": people.drop("kind")})
    foretold = labels(town.premises, town.today, 10, town.seed)
    lived = advance(town, 10)
    counts = foretold.drop("premises_id").sum_horizontal()
    happened = lived.incidents.filter(
        (pl.col("occurred_at") >= town.now) & (pl.col("premises_id") <= town.premises["premises_id"].max())
    )
    closed = lived.premises.filter(pl.col("closed_on").is_not_null())["premises_id"]
    expected = foretold.filter((counts > 0) & ~pl.col("premises_id").is_in(closed.implode()))["premises_id"]
    assert len(expected) > 0
    assert set(expected) == set(happened["premises_id"]) - set(closed)


def test_every_table_says_when_it_last_changed(town: World) -> None:
    for name in TABLES:
        frame = getattr(town, name)
        if name != "entitlements":
            assert frame.schema["updated_at"] == pl.Datetime("us"), name
            assert frame["updated_at"].null_count() == 0, name


def test_things_change_too(town: World, later: World) -> None:
    for name in ("addresses", "cameras", "elder_sensors"):
        assert not getattr(later, name).equals(getattr(town, name)), name
        assert getattr(later, name).height == getattr(town, name).height, name
    assert later.addresses.drop("lon", "lat", "updated_at").equals(town.addresses.drop("lon", "lat", "updated_at"))


def test_no_change_comes_too_late_for_a_cursor() -> None:
    """A reader that asks every day for what changed since the day before misses nothing."""
    keys = {
        "residents": "resident_id", "households": "household_id", "addresses": "address_id", "reports": "report_id",
        "enterprises": "enterprise_id", "premises": "premises_id", "inspections": "inspection_id",
        "hazards": "hazard_id", "incidents": "incident_id", "min_living": "family_no", "pension": "resident_id",
        "disability": "resident_id", "payments": "payment_id", "elder_sensors": "device_id", "cameras": "camera_id",
    }  # fmt: skip
    town = generate(0.02, seed=5)
    seen = 0
    for _ in range(34):
        later = advance(town)
        morning = datetime.combine(later.today, datetime.min.time())
        for name, key in keys.items():
            before, after = getattr(town, name), getattr(later, name)
            untouched = after.filter(pl.col("updated_at") < morning)
            assert untouched.equals(before.filter(pl.col(key).is_in(untouched[key].implode()))), (name, later.today)
            seen += after.height - untouched.height
        new_taxes = later.taxes[town.taxes.height :]
        assert (new_taxes["updated_at"] >= morning).all()
        town = later
    assert seen > 1_000
