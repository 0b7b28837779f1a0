"""Tables of the hub that name records are as protected as the registers whose records these are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.contract_folder import load_contracts
from quality import purposes
from quality.dbt_manifest import Manifest
from quality.told_streams import TELLING

CONTRACTS = load_contracts()
STAGING = Path(__file__).resolve().parents[3] / "dbt_project" / "models" / "staging"
HUB: dict[str, Any] = {
    f"source.{source['name']}.{table['name']}": {
        "schema": source["schema"],
        "identifier": table["name"],
        "columns": {column["name"]: column for column in table["columns"]},
    }
    for source in yaml.safe_load((STAGING / "hub_sources.yml").read_text(encoding="utf-8"))["sources"]
    for table in source["tables"]
}


def model(name: str, sql: str) -> dict[str, Any]:
    return {
        "resource_type": "model", "name": name, "alias": name, "schema": "core", "unique_id": f"model.townhub.{name}",
        "fqn": ["townhub", "core", name], "columns": {"a": {}} | ({"system": {}, "stream": {}} if name != "m" else {}),
        "config": {}, "compiled_code": sql, "package_name": "townhub", "original_file_path": "m.sql",
    }  # fmt: skip


def judged(folder: Path, sql: str, purpose: str, *others: dict[str, Any]) -> list[purposes.Violation]:
    nodes = {node["unique_id"]: node for node in (model("m", sql), *others)}
    manifest = Manifest({"nodes": nodes, "sources": HUB}, folder)
    return purposes.judge_manifest(manifest, [("m", purpose)], contracts=CONTRACTS, exceptions=[]).violations


OF_CERTIFICATES = "m.system = 'disability_certificate' and m.stream = 'certificates'"
FORBIDDEN = {
    "key": ("enforcement", f"select m.record_key as a from resolution.membership as m where {OF_CERTIFICATES}"),
    "part of a key": (
        "enforcement",
        f"select substr(m.record_key, 19, 1) as a from resolution.membership as m where {OF_CERTIFICATES}",
    ),
    "who is a member": (
        "traffic_management",
        "select distinct m.entity_key as a from resolution.membership as m"
        " where m.system = 'minimum_living' and m.stream = 'members'",
    ),
    "whatever stream": (
        "traffic_management",
        "select m.entity_key as a from resolution.membership as m where m.system = 'minimum_living'",
    ),
    "how many": (
        "traffic_management",
        "select count(*) as a from resolution.membership as m where m.system = 'minimum_living'",
    ),
    "one of two": (
        "enforcement",
        "select m.record_key as a from resolution.membership as m"
        " where m.system in ('police_110', 'minimum_living')",
    ),
    "by name": (
        "enforcement",
        "select m.entity_key as a from resolution.membership as m"
        " where m.system || '.' || m.stream in ('police_110.incidents', 'minimum_living.members')",
    ),
    "by pair": (
        "enforcement",
        "select m.entity_key as a from resolution.membership as m"
        " where (m.system, m.stream) in (('police_110', 'incidents'), ('minimum_living', 'members'))",
    ),
    "a column of literals": (
        "enforcement",
        "select m.entity_key as a from (select 'police_110' as system, 'incidents' as stream"
        " union all select 'minimum_living', 'members') as told"
        " inner join resolution.membership as m on m.system = told.system and m.stream = told.stream",
    ),
    "held key": (
        "enforcement",
        "select h.record_key as a from control.held_rows as h where h.system = 'payee_account'",
    ),
    "held reference": (
        "enforcement",
        "select h.refers ->> 'grid_code' as a from control.held_rows as h where h.system = 'payee_account'",
    ),
    "link of a held row": (
        "enforcement",
        "select m.entity_key as a from control.held_rows as h left join resolution.membership as m"
        " on m.system = h.system and m.stream = h.stream and m.record_key = h.record_key"
        " where h.system = 'payee_account'",
    ),
    "asked about": (
        "enforcement",
        "select r.record_key as a from resolution.open_review as r where r.system = 'payee_account'",
    ),
    "existence": (
        "enforcement",
        "select 'x' as a where exists (select 1 from resolution.membership as m where m.system = 'minimum_living')",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_a_key_or_a_membership_is_as_protected_as_its_register(kind: str, tmp_path: Path) -> None:
    purpose, sql = FORBIDDEN[kind]
    found = judged(tmp_path, sql, purpose)
    assert found and all(violation.source for violation in found), [str(violation) for violation in found]
    assert judged(tmp_path, sql, "welfare_delivery") == [] or "police_110" in sql


def test_every_table_that_names_records_is_known_to_tell_of_them() -> None:
    naming = {(s["schema"], s["identifier"]) for s in HUB.values() if "record_key" in s["columns"]}
    assert naming == TELLING


UNTOLD = {
    "nothing": "true",
    "a negation": "m.system <> 'minimum_living'",
    "not in": "m.system not in ('minimum_living')",
    "either": "m.system = 'police_110' or m.kind = 'resident'",
    "a pattern": "m.system like 'police_110'",
    "no such stream": "m.system = 'police_110' and m.stream = 'incident'",
    "no such system": "m.system = 'police'",
    "half a name": "m.system || '.' || m.stream = 'police_110'",
    "a name that is a column": "(m.system || '.' || m.stream) = m.record_key",
    "a pair that is columns": "(m.system, m.stream) in (('police_110', m.stream))",
    "a stream alone": "m.stream = 'incidents'",
    "an expression": "m.system = lower('police_110')",
}


@pytest.mark.parametrize("kind", UNTOLD)
@pytest.mark.parametrize("table", ["resolution.membership", "resolution.open_review", "control.held_rows"])
def test_a_table_of_keys_is_not_read_without_naming_the_stream(kind: str, table: str, tmp_path: Path) -> None:
    if table == "control.held_rows" and "kind" in UNTOLD[kind]:
        return
    found = judged(tmp_path, f"select m.record_key as a from {table} as m where {UNTOLD[kind]}", "event_handling")
    assert [violation.source for violation in found] == [None]
    assert "literals" in found[0].reason


@pytest.mark.parametrize(
    "joined",
    [
        # What a join leaves over is not what its condition names.
        "resolution.membership as m left join control.load as l on m.system = 'police_110' and m.stream = 'incidents'",
        "control.load as l right join resolution.membership as m on m.system = 'police_110' and m.stream = 'incidents'",
        "control.load as l full join resolution.membership as m on m.system = 'police_110' and m.stream = 'incidents'",
        "control.load as l cross join resolution.membership as m",
        # The condition is on another one of two.
        "resolution.membership as m inner join resolution.membership as o"
        " on o.system = 'police_110' and o.stream = 'incidents' and o.record_key = m.record_key",
    ],
)
def test_a_condition_that_leaves_rows_over_fixes_nothing(joined: str, tmp_path: Path) -> None:
    found = judged(tmp_path, f"select m.record_key as a from {joined}", "event_handling")
    assert [violation.source for violation in found] == [None]


def test_a_recursion_tells_no_stream(tmp_path: Path) -> None:
    """What its first round reads is not what the second does."""
    sql = (
        "with recursive r as (select 'police_110' as system, 'x' as a union all select 'minimum_living', m.entity_key"
        " from r inner join resolution.membership as m on m.system = r.system) select r.a from r"
    )
    found = judged(tmp_path, sql, "event_handling")
    assert [violation.source for violation in found] == [None]


LAWFUL = {
    "own stream": "select m.entity_key as a from resolution.membership as m"
    " where m.kind = 'event' and m.system = 'police_110' and m.stream = 'incidents'",
    "held": "select h.record_key as a from control.held_rows as h"
    " where 'police_110.incidents' = h.system || '.' || h.stream",
    "in parentheses": "select m.entity_key as a from resolution.membership as m"
    " where m.kind = 'event' and (m.system || '.' || m.stream) = 'police_110.incidents'",
    "by pair": "select m.entity_key as a from resolution.membership as m"
    " where m.kind = 'event' and (m.system, m.stream) in (('police_110', 'incidents'))",
    "how many wait": "select count(*) as a from control.held_rows as h",
    "that a load ended": "select max(l.load_id) as a from control.load as l",
}  # fmt: skip


@pytest.mark.parametrize("kind", LAWFUL)
def test_what_a_purpose_may_know_is_let_through(kind: str, tmp_path: Path) -> None:
    assert judged(tmp_path, LAWFUL[kind], "event_handling") == []


def test_the_streams_that_another_model_gives_are_told_by_its_query(tmp_path: Path) -> None:
    reading = (
        "with w as (select o.* from core.told as o) select m.entity_key as a from w"
        " inner join resolution.membership as m on m.system = w.system and m.stream = w.stream"
    )
    one = "select 'police_110' as system, 'incidents' as stream, 'x' as a"
    other = f"{one} union all select 'minimum_living', 'members', 'x'"
    assert judged(tmp_path, reading.replace("m.entity", "m.record"), "event_handling", model("told", one)) == []
    found = judged(tmp_path, reading, "event_handling", model("told", other))
    assert {violation.source for violation in found} >= {"minimum_living.members.*"}
    # And through one more model; one that computes it tells nothing.
    through = model("further", other)
    told = model("told", "select f.system, f.stream, f.a from core.further as f")
    assert "minimum_living" in str(judged(tmp_path, reading, "event_handling", told, through)[0])
    found = judged(tmp_path, reading, "event_handling", model("told", one.replace("'police_110'", "lower('x')")))
    assert [violation.source for violation in found] == [None]


def test_a_place_is_not_whom_a_record_is_about(tmp_path: Path) -> None:
    """A filing of a let room names its landlord, whom the safety of premises may not know; which house, it may."""
    sql = (
        "select m.entity_key as a from resolution.membership as m"
        " where m.kind = '{}' and m.system = 'property_register' and m.stream = 'rentals'"
    )
    assert judged(tmp_path, sql.format("premises"), "premises_safety") == []
    found = {violation.source for violation in judged(tmp_path, sql.format("resident"), "premises_safety")}
    assert "property_register.rentals.landlord_id" in found


def test_a_model_asks_for_its_own_changed_keys_alone(tmp_path: Path) -> None:
    sql = "select k.key as a from control.changed_key as k where k.model = '{}'"
    assert judged(tmp_path, sql.format("m"), "event_handling") == []
    for other in (sql.format("link_resident_address"), "select k.key as a from control.changed_key as k"):
        (found,) = judged(tmp_path, other, "event_handling")
        assert "its own keys" in found.reason
