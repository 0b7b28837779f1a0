"""What the upstreams of the economy send although nobody may take it, and that it does not land."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC

import polars as pl
import pytest

from connectors.conform import Conformed, Conformer
from connectors.contract import Stream
from connectors.contract_folder import load_contracts
from connectors.standards import resident_id
from connectors.tables import landing_columns
from simulator import systems
from simulator.servers.view import as_sent
from simulator.world import World, generate

CONTRACTS = load_contracts()
SENT_BESIDE = {
    ("enterprise_visit", "visits"): {"lxr"},
    ("enterprise_demand", "demands"): {"lxr"},
    ("lease_register", "leases"): {"承租方/联系人"},
    ("construction_site", "sites"): {"xmjl", "xmjldh"},
    ("hazmat_enterprise", "licences"): {"企业/主要负责人", "企业/负责人电话"},
    ("administrative_penalty", "penalties"): {"dsrsfzh", "wfss"},
    ("district_data_centre", "feeds"): {"lxr", "lxdh"},
    ("neighbour_service", "repairs"): {"userName", "mobile", "content"},
    ("resident_mailbox", "letters"): {"xm", "sfzh", "lxdh", "xjzw", "hfnr"},
    ("smart_community", "hourly_counts"): {"xm", "sfzh", "rlid", "kh", "txsj"},
}


@pytest.fixture(scope="module")
def world() -> World:
    return generate(0.3, 11)


def taken(system: str, name: str, world: World, stream: Stream | None = None, crs: str | None = None) -> Conformed:
    contract = CONTRACTS[system]
    server = contract.server_of(contract.streams[name])
    if crs is not None:
        server = replace(server, properties=server.properties | {"crs": crs})
    page = as_sent(systems.view(system, world, seed=11)[name].frame).cast(pl.String)
    return Conformer(stream or contract.streams[name], server, now=world.now.replace(tzinfo=UTC))(page)


@pytest.mark.parametrize("key", SENT_BESIDE, ids=".".join)
def test_what_no_contract_takes_is_sent_and_does_not_land(key: tuple[str, str], world: World) -> None:
    stream = CONTRACTS[key[0]].streams[key[1]]
    sent = systems.view(key[0], world, seed=11)[key[1]].frame
    assert set(sent.columns) - {column.physical_name for column in stream.columns} == SENT_BESIDE[key]
    assert sent.select(SENT_BESIDE[key]).null_count().sum_horizontal()[0] < sent.height * len(SENT_BESIDE[key])
    assert all(stream.refuses_field(name) for name in SENT_BESIDE[key])
    done = taken(*key, world)
    assert set(done.accepted.columns) == set(landing_columns(stream))
    assert done.added is None, "nor is it kept beside, as a column would be that nobody knows yet"
    kept = {name for payload in done.rejected["payload"] for name in json.loads(payload)}
    assert not kept & SENT_BESIDE[key]


def test_no_number_of_a_punished_person_lands(world: World) -> None:
    """Not even where a clerk typed it into the field of the credit code."""
    sent = systems.view("administrative_penalty", world, seed=11)["penalties"].frame
    persons = sent.filter(pl.col("dsrsfzh").is_not_null())
    assert resident_id.is_valid(persons["dsrsfzh"]).all()
    assert persons.filter(pl.col("dsrxydm") == pl.col("dsrsfzh")).height > 0, "the mistake is planted"
    accepted = taken("administrative_penalty", "penalties", world).accepted
    texts = accepted.select(pl.col(pl.String).fill_null(""))
    found = texts.unpivot()["value"].str.extract_all(r"\d{17}[\dXx]").explode().drop_nulls()
    assert not resident_id.is_valid(found).fill_null(False).any()
    assert accepted.filter(pl.col("party_kind") == "person")["credit_code"].drop_nulls().str.starts_with("9").all()


def test_a_persons_name_serves_the_case_alone() -> None:
    contract = CONTRACTS["administrative_penalty"]
    name = contract.streams["penalties"].column("party_name")
    assert (name.classification, name.sensitive, contract.purposes_of(name)) == ("L4", True, ("enforcement",))
    assert "premises_safety" in contract.purposes


def test_tax_serves_enterprises_alone() -> None:
    for system in ("tax_registry", "tax_analysis"):
        for stream in CONTRACTS[system].streams.values():
            assert {CONTRACTS[system].purposes_of(column) for column in stream.columns} == {("enterprise_service",)}


@pytest.mark.parametrize("crs", ["wgs84", "cgcs2000", "gcj02", "bd09"])
def test_places_drawn_in_nobodys_plane_are_never_taken_for_a_position(crs: str, world: World) -> None:
    """The contract keeps them as numbers; declared to be degrees, whatever the datum, not one would pass."""
    stream = CONTRACTS["building_economy"].streams["buildings"]
    assert not [column for column in stream.columns if (column.semantic_type or "").startswith("geo.")]
    landed = taken("building_economy", "buildings", world).accepted
    assert landed["drawn_x"].drop_nulls().min() > 10_000  # type: ignore[operator]
    axes = {"drawn_x": "longitude", "drawn_y": "latitude"}
    columns = tuple(
        replace(column, name=axes[column.name], semantic_type=f"geo.{axes[column.name]}", on_invalid="withhold")
        if column.name in axes
        else column
        for column in stream.columns
    )
    guessed = taken("building_economy", "buildings", world, replace(stream, columns=columns), crs).accepted
    assert guessed.height > 10
    assert guessed.select("longitude", "latitude").null_count().row(0) == (guessed.height, guessed.height)
