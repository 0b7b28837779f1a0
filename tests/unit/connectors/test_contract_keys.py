"""A key of a contract is enforced or refused: one that nobody reads would promise what nobody keeps."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.contract_check import check_file
from connectors.contract_file import Problem
from connectors.contract_folder import SYSTEMS
from connectors.contract_keys import source_misuse, unread

BASE = yaml.safe_load((SYSTEMS / "police_110.odcs.yaml").read_text(encoding="utf-8"))


def check(folder: Path, document: Any, system: str = "police_110") -> list[Problem]:
    path = folder / f"{system}.odcs.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
    contract, problems = check_file(path)
    assert (contract is None) == bool(problems)
    return problems


@cache
def standard() -> dict[str, Any]:
    return dict(json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8")))


def keys_of(*definitions: str) -> set[str]:
    found: set[str] = set()
    for name in definitions:
        found |= set(standard()["$defs"][name].get("properties", {}))
    return found


def places() -> Iterator[tuple[str, list[Any], set[str]]]:
    """Every kind of node, the way to one of it, and all keys that the standard gives it."""
    yield "root", [], set(standard()["properties"])
    yield "description", ["description"], set(standard()["properties"]["description"]["properties"])
    yield "team", ["team"], keys_of("Team")
    yield "property", ["customProperties", 0], keys_of("CustomProperty")
    yield "server", ["servers", 0], keys_of("Server") | {"database", "port", "schema"}
    yield "sla", ["slaProperties", 0], keys_of("ServiceLevelAgreementProperty")
    yield "stream", ["schema", 0], keys_of("SchemaElement", "SchemaObject")
    yield "column", ["schema", 0, "properties", 0], keys_of("SchemaElement", "SchemaBaseProperty")


READ_ELSEWHERE = {"host", "logicalTypeOptions", "semanticType", "enum"}
"""Enforced by rules of their own, as are a stream's and a column's tags, descriptions and custom properties."""


def node_at(document: Any, way: list[Any]) -> Any:
    for step in way:
        document = document[step]
    return document


def read_by_the_hub(way: list[Any], key: str) -> bool:
    column = key in ("tags", "description", "customProperties") and "properties" in way
    return column or key in READ_ELSEWHERE or key in node_at(BASE, way)


CASES = [
    pytest.param(way, key, id=f"{kind}-{key}")
    for kind, way, keys in places()
    for key in sorted(keys | {"noSuchKey"})
    if not read_by_the_hub(way, key)
]


@pytest.mark.parametrize(("way", "key"), CASES)
def test_every_key_of_the_standard_that_the_hub_does_not_read_is_refused(
    tmp_path: Path, way: list[Any], key: str
) -> None:
    document = copy.deepcopy(BASE)
    node_at(document, way)[key] = ["x"]
    assert f"nothing enforces {key}" in {reason for _, reason, _ in unread(document)}, "whatever its value is"
    found = check(tmp_path, document)
    assert found and all(problem.line and problem.remedy for problem in found)


COLUMN = ["schema", 0, "properties", 7]
STREAM = ["schema", 0]
REFUSED: list[tuple[list[Any], str, Any, str]] = [
    (COLUMN, "logicalTypeOptions", {"pattern": "^1"}, "nothing enforces pattern"),
    (COLUMN, "logicalTypeOptions", {"maxLength": 3}, "nothing enforces maxLength"),
    (COLUMN, "logicalTypeOptions", {"minLength": 3}, "nothing enforces minLength"),
    (["schema", 0, "properties", 4], "logicalTypeOptions", {"multipleOf": 3}, "nothing enforces multipleOf"),
    (
        ["schema", 0, "properties", 4],
        "logicalTypeOptions",
        {"exclusiveMaximum": 3},
        "nothing enforces exclusiveMaximum",
    ),
    (["schema", 0, "properties", 8], "logicalTypeOptions", {"format": "yyyy"}, "time format 'yyyy' is not enforced"),
    (["schema", 0, "properties", 8], "logicalTypeOptions", {"minimum": "2020-01-01"}, "nothing enforces minimum"),
    (COLUMN, "quality", [{"type": "text", "description": "good"}], "nothing enforces quality"),
    (STREAM, "quality", [{"type": "text", "description": "good"}], "nothing enforces quality"),
    (COLUMN, "tags", ["secret"], "the tag 'secret' has no effect"),
    ([], "domain", "weather", "the domain 'weather' is unknown"),
    ([], "status", "draft", "status 'draft' has no effect"),
]


@pytest.mark.parametrize(("way", "key", "value", "reason"), REFUSED, ids=[f"{r[1]}-{r[3][-22:]}" for r in REFUSED])
def test_a_rule_that_nobody_applies_is_refused(
    tmp_path: Path, way: list[Any], key: str, value: Any, reason: str
) -> None:
    document = copy.deepcopy(BASE)
    node = node_at(document, way)
    node[key] = value
    assert [p for p in check(tmp_path, document) if reason in p.reason and p.line > 0 and p.remedy]


CUSTOM: list[tuple[list[Any], str, Any, str]] = [
    ([], "purposes", ["evnt_handling"], "unknown purposes: evnt_handling"),
    ([], "enabled", "no", "enabled is neither true nor false"),
    (STREAM, "source", {"pageSize": 5}, "source.pageSize has no effect on exchange_db"),
    (STREAM, "load", "snapshot", "a snapshot is read whole, but acknowledge"),
    (COLUMN, "unit", "metre", "the unit 'metre' of state is not enforced"),
    (["servers", 0], "appKey", "${KEY}", "appKey has no effect on exchange_db"),
    (["servers", 0], "acknowledge", {"column": "x", "flag": "y"}, "acknowledge does not say"),
]


@pytest.mark.parametrize(("way", "name", "value", "reason"), CUSTOM, ids=[c[1] for c in CUSTOM])
def test_a_property_that_would_have_no_effect_is_refused(
    tmp_path: Path, way: list[Any], name: str, value: Any, reason: str
) -> None:
    document = copy.deepcopy(BASE)
    node = node_at(document, way)
    listed = [item for item in node.get("customProperties", []) if item["property"] != name]
    node["customProperties"] = [*listed, {"property": name, "value": value}]
    found = check(tmp_path, document)
    assert [p for p in found if reason in p.reason and p.line > 0 and p.remedy], [str(p) for p in found]


def test_every_shipped_contract_is_without_a_mistake() -> None:
    assert [str(p) for path in sorted(SYSTEMS.glob("*.odcs.yaml")) for p in check_file(path)[1]] == []


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"format": "csv", "finished": "renamed", "openEnd": True}, None),
        ({"format": "csv", "finished": "soon"}, "source.finished 'soon' is unknown"),
        ({"format": "csv", "openEnd": False}, "source.openEnd says nothing"),
        ({"format": "excel", "openEnd": True}, "source.openEnd says nothing"),
    ],
)
def test_how_an_owner_finishes_files_is_said_in_words_that_are_read(source: dict[str, Any], told: str | None) -> None:
    assert [reason for reason, _ in source_misuse("sftp", source)] == ([told] if told else [])


LOOKUP = {"parameter": "sfzh", "values": "${PAYEE_ACCOUNT_LOOKUPS}", "maxAgeDays": 30}
PAYEES = (SYSTEMS / "payee_account.odcs.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("lookup", "told"),
    [
        (LOOKUP, None),
        ({k: v for k, v in LOOKUP.items() if k != "maxAgeDays"}, None),
        (LOOKUP | {"maxAgeDays": 0}, "no number of days"),
        (LOOKUP | {"maxAgeDays": 367}, "no number of days"),
        (LOOKUP | {"maxAgeDays": 1.5}, "no number of days"),
        (LOOKUP | {"maxAgeDays": True}, "no number of days"),
        (LOOKUP | {"maxAgeDays": None}, "no number of days"),
        (LOOKUP | {"maxAge": 30}, "not understood"),
        ("sfzh", "not understood"),
    ],
)
def test_how_long_an_answer_stands_is_a_number_of_days(tmp_path: Path, lookup: Any, told: str | None) -> None:
    document = yaml.safe_load(PAYEES)
    next(p for p in document["schema"][0]["customProperties"] if p["property"] == "source")["value"]["lookup"] = lookup
    problems = check(tmp_path, document, "payee_account")
    assert [told in problem.reason for problem in problems] == ([True] if told else [])


def test_answers_of_several_days_need_a_cursor(tmp_path: Path) -> None:
    document = yaml.safe_load(PAYEES)
    kept = document["schema"][0]["customProperties"]
    document["schema"][0]["customProperties"] = [p for p in kept if p["property"] != "cursor"]
    assert ["nothing tells which" in p.reason for p in check(tmp_path, document, "payee_account")] == [True]
