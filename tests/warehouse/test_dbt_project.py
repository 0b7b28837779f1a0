"""The dbt project as files: it says the same as the contracts, and every model says what it is."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.contract import Contract
from connectors.contract_folder import load_contracts
from orchestration import staging_files

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
MODELS = sorted((PROJECT / "models").rglob("*.sql"))
CONTRACTS = load_contracts()
MODELLED = [contract for contract in CONTRACTS.values() if not contract.isolated]


def described(model: Path) -> dict[str, Any]:
    """The properties of a model from the file beside it."""
    found = yaml.safe_load(model.with_suffix(".yml").read_text())["models"]
    assert [entry["name"] for entry in found] == [model.stem]
    return found[0]  # type: ignore[no-any-return]


def test_there_are_models() -> None:
    assert len(MODELS) > 40


@pytest.mark.parametrize("contract", MODELLED, ids=lambda contract: contract.id)
def test_sources_are_the_contracts(contract: Contract) -> None:
    """Name, order, type, key and class of every column: a contract that changes without its source fails here."""
    path = PROJECT / "models" / "staging" / contract.id / "sources.yml"
    (source,) = yaml.safe_load(path.read_text())["sources"]
    assert source["name"] == contract.id
    assert source["config"]["meta"]["purposes"] == list(contract.purposes)
    assert [table["name"] for table in source["tables"]] == list(contract.streams)
    for table in source["tables"]:
        stream = contract.streams[table["name"]]
        assert (source["schema"], table["identifier"]) == (stream.landing_schema, stream.landing_table)
        said = [
            (column["name"], column["data_type"].replace(" ", ""), "primary_key" in column["config"]["meta"],
             column["config"]["meta"]["classification"], "sensitive" in column["config"]["meta"])
            for column in table["columns"]
        ]  # fmt: skip
        assert said == [
            (column.name, column.postgres_type.replace(" ", ""), column.primary_key, column.classification,
             column.sensitive)
            for column in stream.columns
        ]  # fmt: skip


def test_staging_files_are_those_of_the_contracts() -> None:
    """Made by `townhub systems stage`; the test above reads them with other eyes than the maker's."""
    assert staging_files.out_of_step(CONTRACTS) == []


def test_isolated_systems_have_no_model() -> None:
    """The health code is never joined to a person: dbt does not know it."""
    isolated = [contract.id for contract in CONTRACTS.values() if contract.isolated]
    assert isolated == ["health_code"]
    mentions = [
        path
        for path in PROJECT.rglob("*")
        if path.suffix in {".sql", ".yml", ".csv"} and "target" not in path.parts and "health_code" in path.read_text()
    ]
    assert mentions == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_every_model_is_described(model: Path) -> None:
    """Description, purpose, owner, class, and a type and a description for every column."""
    said = described(model)
    meta = said["config"]["meta"]
    assert said["description"] and meta["owner"] and meta["purpose"]
    assert meta["classification"] in {"L1", "L2", "L3", "L4"}
    assert all(column["description"] and column["data_type"] for column in said["columns"])


def test_the_registers_of_welfare_are_those_that_a_policy_may_rest_on() -> None:
    """Of one that the macro does not name no waiting row would be seen, and a flat "no" be said over its head."""
    with (PROJECT / "seeds" / "policy_inputs.csv").open(encoding="utf-8", newline="") as file:
        needed = {(row["system"], row["stream"]) for row in csv.DictReader(file)}
    macro = (PROJECT / "macros" / "held.sql").read_text().partition("{% macro welfare_registers() -%}")[2]
    named = re.findall(r"\['(\w+)', '(\w+)'\]", macro.partition("{%- endmacro %}")[0])
    assert set(named) == needed | {("welfare_payment", "payments")} and len(named) == len(set(named))


def test_staging_is_one_model_per_stream() -> None:
    expected = {f"stg_{contract.id}__{stream}" for contract in MODELLED for stream in contract.streams}
    assert {model.stem for model in MODELS if "staging" in model.parts} == expected
