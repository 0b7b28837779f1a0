"""`townhub systems stage`: the files follow the contracts, what a person wrote stays, nothing left over remains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from connectors.contract import Contract
from connectors.contract_folder import load_contracts
from connectors.dbt_files import staging_files
from orchestration.staging_files import apply, out_of_step

CONTRACTS = load_contracts()


@pytest.fixture
def contracts() -> dict[str, Contract]:
    return {name: CONTRACTS[name] for name in ("police_110", "safety_inspection", "health_code")}


@pytest.fixture
def root(tmp_path: Path, contracts: dict[str, Contract]) -> Path:
    apply(out_of_step(contracts, root=tmp_path))
    return tmp_path


def states(contracts: dict[str, Contract], root: Path, systems: list[str] | None = None) -> dict[str, str]:
    return {change.path.name: change.state for change in out_of_step(contracts, systems, root)}


def test_an_empty_folder_gets_every_file_and_the_isolated_system_none(
    contracts: dict[str, Contract], root: Path
) -> None:
    assert sorted(path.name for path in root.iterdir()) == ["police_110", "safety_inspection"]
    assert len(list(root.rglob("*.*"))) == 3 + 7
    assert out_of_step(contracts, root=root) == []


def test_a_changed_column_shows_in_source_and_model(contracts: dict[str, Contract], root: Path) -> None:
    stream = contracts["police_110"].streams["incidents"]
    narrower = replace(stream, columns=stream.columns[:-1])
    contracts["police_110"] = replace(contracts["police_110"], streams={"incidents": narrower})
    assert states(contracts, root) == {"sources.yml": "out of date", "stg_police_110__incidents.yml": "out of date"}
    apply(out_of_step(contracts, root=root))
    assert out_of_step(contracts, root=root) == []


def test_what_a_person_wrote_stays_but_its_source_follows(contracts: dict[str, Contract], root: Path) -> None:
    sql = root / "police_110" / "stg_police_110__incidents.sql"
    sql.write_text("select 1 as incident_no from ({{ current_version('police_110', 'incidents') }}) as rows\n")
    described = root / "safety_inspection" / "stg_safety_inspection__hazards.yml"
    described.write_text("version: 2\nmodels: []\n")
    for name in ("police_110", "safety_inspection"):
        contracts[name] = replace(contracts[name], owner="another office")
    assert set(states(contracts, root)) == {
        "sources.yml",
        "stg_safety_inspection__premises.yml",
        "stg_safety_inspection__inspections.yml",
    }
    apply(out_of_step(contracts, root=root))
    assert "select 1" in sql.read_text() and described.read_text() == "version: 2\nmodels: []\n"
    for source in root.glob("*/sources.yml"):
        assert yaml.safe_load(source.read_text())["sources"][0]["config"]["meta"]["owner"] == "another office"


def test_what_is_left_over_goes_unless_a_person_wrote_it(contracts: dict[str, Contract], root: Path) -> None:
    own = root / "police_110" / "stg_police_110__own.sql"
    own.write_text("select 1 as one\n")
    del contracts["police_110"]
    kept = contracts["safety_inspection"].streams["premises"]
    contracts["safety_inspection"] = replace(contracts["safety_inspection"], streams={"premises": kept})
    assert states(contracts, root, ["safety_inspection"])["stg_safety_inspection__hazards.sql"] == "left over"
    apply(out_of_step(contracts, root=root))
    assert [path.name for path in (root / "police_110").iterdir()] == [own.name]
    assert len(list((root / "safety_inspection").iterdir())) == 3


def test_texts_that_yaml_would_misread_come_back_as_they_are(contracts: dict[str, Contract]) -> None:
    odd = {"owner": "a: b # c", "domain": "no", "purposes": ("1e3", "a,b", "x"), "purpose": 'says "so" \\ {here}'}
    contract = replace(contracts["police_110"], **odd)  # type: ignore[arg-type]
    (source,) = yaml.safe_load(staging_files(contract)["police_110/sources.yml"])["sources"]
    meta = source["config"]["meta"]
    assert (meta["owner"], meta["domain"], meta["purposes"]) == (odd["owner"], odd["domain"], list(odd["purposes"]))
    assert source["description"].endswith(odd["purpose"])
