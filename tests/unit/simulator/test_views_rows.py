"""What the views serve of a small town: dirty in known places, the same every time, and traceable to the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from connectors.contract_folder import load_contracts
from connectors.standards import coordinates, credit_code, resident_id, text
from simulator import systems
from simulator.systems import tax_analysis, welfare_payment
from simulator.views.base import Served
from simulator.world import World, generate

CONTRACTS = Path(__file__).parents[3] / "connectors" / "systems"
Views = dict[tuple[str, str], Served]


def columns_of(system: str, stream: str) -> list[dict[str, Any]]:
    written = (CONTRACTS / f"{system}.odcs.yaml").read_text(encoding="utf-8")
    (found,) = [s for s in yaml.safe_load(written)["schema"] if s["name"] == stream]
    return found["properties"]


def custom(column: dict[str, Any], name: str) -> Any:
    return next((p["value"] for p in column.get("customProperties", []) if p["property"] == name), None)


@pytest.fixture(scope="module")
def world() -> World:
    return generate(0.05, 11)


@pytest.fixture(scope="module")
def served(world: World) -> Views:
    return {(s, name): one for s in systems.SYSTEMS for name, one in systems.view(s, world, seed=11).items()}


def test_a_second_call_serves_the_same(world: World, served: Views) -> None:
    for system in systems.SYSTEMS:
        for name, again in systems.view(system, world, seed=11).items():
            assert again.frame.equals(served[system, name].frame)
            assert again.defects.equals(served[system, name].defects)


def test_another_seed_spoils_other_records(world: World, served: Views) -> None:
    other = systems.view("household_registry", world, seed=12)["residents"]
    assert not other.defects.equals(served["household_registry", "residents"].defects)


def test_keys_are_unique_but_for_rows_planted_twice(served: Views) -> None:
    for (system, stream), one in served.items():
        keys = [c["physicalName"] for c in columns_of(system, stream) if c.get("primaryKey")]
        extra = one.frame.height - one.frame.select(keys + [c for c in one.frame.columns if c == "__file"]).n_unique()
        assert extra == one.defects.filter(pl.col("kind") == "repeated_row").height, (system, stream)


def test_missing_required_values_and_unknown_codes_are_all_planted_defects(served: Views) -> None:
    for (system, stream), one in served.items():
        for column in columns_of(system, stream):
            values = one.frame[column["physicalName"]]
            planted = one.defects.filter(pl.col("column") == column["name"])["kind"]
            if column.get("required"):
                assert values.null_count() == planted.eq("missing_required").sum(), (system, column["name"])
            codes = custom(column, "codes")
            if codes:
                unknown = values.drop_nulls().is_in(list(codes)).not_().sum()
                assert unknown == planted.eq("unknown_code").sum(), (system, column["name"])


def test_invalid_identity_numbers_are_all_planted_defects(served: Views) -> None:
    found = 0
    for (system, stream), one in served.items():
        for column in columns_of(system, stream):
            if column.get("semanticType") == "cn.resident_id":
                values = one.frame[column["physicalName"]].drop_nulls()
                invalid = (~resident_id.is_valid(resident_id.normalise(text.half_width(values)))).sum()
                planted = one.defects.filter(pl.col("column") == column["name"])
                assert invalid == planted.height, (system, stream)
                found += invalid
    assert found > 50


def test_invalid_credit_codes_are_all_planted_defects(served: Views) -> None:
    one = served["market_registration", "enterprises"]
    values = one.frame["tyshxydm"].drop_nulls()
    invalid = (~credit_code.is_valid(credit_code.normalise(values))).sum()
    assert invalid == one.defects.filter(pl.col("column") == "credit_code").height > 0


def test_points_outside_the_town_are_all_planted_defects(served: Views) -> None:
    contracts = load_contracts()
    for (system, stream), one in served.items():
        names = {c["name"]: c["physicalName"] for c in columns_of(system, stream)}
        if "longitude" not in names:
            continue
        crs = contracts[system].server_of(contracts[system].streams[stream]).crs
        placed = one.frame.select(names[axis] for axis in ("longitude", "latitude")).drop_nulls()
        lon, lat = coordinates.convert(*(column.to_numpy() for column in placed), crs)
        outside = ~((lon > 119.9) & (lon < 120.4) & (lat > 30.1) & (lat < 30.6))
        repeated = one.defects.filter(pl.col("kind") == "repeated_row")["record_key"]
        planted = one.defects.filter(
            (pl.col("column") == "longitude") & ~pl.col("record_key").is_in(repeated.implode())
        )
        assert planted.height <= outside.sum() <= planted.height + len(repeated), (system, stream)


def test_every_record_of_a_person_is_known_to_the_truth(world: World, served: Views) -> None:
    people = set(world.residents["resident_id"])
    for key, one in served.items():
        if one.people is not None:
            assert one.people["record_key"].n_unique() == one.people.height, key
            assert set(one.people["resident_id"]) <= people
            # a licence is a person's or an enterprise's
            others = 0 if one.enterprises is None else one.enterprises.height
            assert one.people.height + others == one.frame.height, key


def test_shares_of_bad_identity_numbers_are_as_in_the_field(served: Views) -> None:
    def share(system: str, stream: str) -> float:
        one = served[system, stream]
        column = next(c for c in columns_of(system, stream) if c["name"] == "resident_id")["physicalName"]
        bad = one.defects.filter(pl.col("column") == "resident_id").height + one.frame[column].null_count()
        return bad / one.frame.height

    assert 0.01 < share("household_registry", "residents") < 0.03
    assert 0.04 < share("migrant_registry", "registrations") < 0.08
    assert 0.01 < share("pension", "pensioners") < 0.04
    assert 0.004 < share("welfare_payment", "payments") < 0.02


def test_money_is_exact_in_ten_thousands_and_in_yuan() -> None:
    fen = pl.DataFrame({"fen": [0, 1, 53_115, 1_000_000, 123_456_789, -30_000]})
    assert fen.select(tax_analysis.wan_yuan(pl.col("fen"))).to_series().to_list() == [
        "0.0000",
        "0.000001",
        "0.053115",
        "1.0000",
        "123.456789",
        "-0.0300",
    ]
    assert fen.select(welfare_payment.yuan("fen")).to_series().to_list()[:4] == [
        "0.00",
        "0.01",
        "531.15",
        "10000.00",
    ]


def test_a_month_is_sent_again_with_corrections_only(served: Views) -> None:
    files = served["tax_analysis", "collections"].frame.partition_by("__file", as_dict=True, include_key=False)
    first = files[("tax_collections_202605.csv",)]
    again = files[("tax_collections_202605_更正.csv",)]
    keys = ["社会信用代码", "税种", "税款所属期"]
    both = first.join(again, on=keys, suffix="_again")
    assert both.height == first.height == again.height
    corrected = both.filter(pl.col("入库额（万元）") != pl.col("入库额（万元）_again"))
    assert 0 < corrected.height < 0.05 * first.height
