"""What a change of a contract takes away: each kind by its effect, and nothing for what only adds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Column, Contract, Server
from connectors.contract_changes import Change, changes, line_of
from connectors.contract_folder import SYSTEMS, load_contract, load_contracts

OLD = load_contract(SYSTEMS / "police_110.odcs.yaml")
STREAM = OLD.streams["incidents"]


def with_stream(**changed: Any) -> Contract:
    return replace(OLD, streams={"incidents": replace(STREAM, **changed)})


def with_column(named: str, /, **changed: Any) -> Contract:
    return with_stream(columns=tuple(replace(c, **changed) if c.name == named else c for c in STREAM.columns))


def with_server(**changed: Any) -> Contract:
    return replace(OLD, servers={n: Server(n, s.properties | changed) for n, s in OLD.servers.items()})


def without(*names: str) -> Contract:
    return with_stream(columns=tuple(c for c in STREAM.columns if c.name not in names))


CODES = STREAM.column("state").codes or {}
TAKEN_AWAY: list[tuple[Contract | None, str, str, str]] = [
    # new contract, where, effect, reason
    (None, "police_110", "gone", "contract is gone"),
    (replace(OLD, streams={}), "police_110.incidents", "gone", "stream is gone"),
    (replace(OLD, enabled=False), "police_110", "rows", "disabled"),
    (replace(OLD, isolated=True), "police_110", "gone", "isolated"),
    (replace(OLD, retention_days=30), "police_110.incidents", "rows", "older than 30 days"),
    (replace(OLD, purposes=("event_handling",)), "police_110", "unlawful", "premises_safety any more"),
    (without("caller_phone"), "police_110.incidents.caller_phone", "gone", "column is gone"),
    (with_column("category", name="kind"), "police_110.incidents.category", "gone", "renamed to kind"),
    (with_column("category", logical_type="integer"), "police_110.incidents.category", "gone", "no longer text"),
    (with_column("longitude", semantic_type="geo.bd09.longitude"), "police_110.incidents.longitude", "values",
     "the standard is geo.bd09.longitude"),
    (with_column("state", codes=dict(list(CODES.items())[:-1])), "police_110.incidents.state", "values",
     "will not come any more: " + list(CODES.values())[-1]),
    (with_column("category", codes={"1": "theft"}), "police_110.incidents.category", "values", "only the listed codes"),
    (with_column("address", purposes=("event_handling",)), "police_110.incidents.address", "unlawful",
     "premises_safety any more"),
    (with_column("state", primary_key=True), "police_110.incidents", "rows", "the key is incident_no, state"),
    (with_stream(load="snapshot"), "police_110.incidents", "rows", "loaded as snapshot"),
    (with_server(timezone="UTC"), "police_110.incidents", "values", "time zone is UTC and no longer Asia/Shanghai"),
    (with_server(encoding="gb18030"), "police_110.incidents", "values", "encoding is gb18030"),
    (with_stream(physical_name="other"), "police_110.incidents", "rows", "read otherwise at the source: physicalName"),
    (with_stream(source={"interface": "x"}), "police_110.incidents", "rows", "at the source: interface"),
    (with_stream(cursor=STREAM.column("reported_at")), "police_110.incidents", "rows", "ordered by reported_at"),
    (with_column("address", required=True), "police_110.incidents.address", "rows", "required now"),
    (with_column("longitude", maximum=120.0), "police_110.incidents.longitude", "values", "from -inf to 120"),
]  # fmt: skip


@pytest.mark.parametrize(("new", "where", "effect", "reason"), TAKEN_AWAY, ids=[t[3] for t in TAKEN_AWAY])
def test_what_is_taken_away_is_told_once(new: Contract | None, where: str, effect: str, reason: str) -> None:
    (found,) = changes(OLD, new)
    assert (found.where, found.effect) == (where, effect)
    assert reason in found.reason


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        replace(OLD, retention_days=9999, freshness_seconds=1, purposes=(*OLD.purposes, "more")),
        replace(OLD, purposes=("any",)),
        with_stream(columns=(*STREAM.columns, Column("extra", "x", "string", "L1"))),
        with_column("state", codes=CODES | {"99": "reopened"}),
        with_column("address", physical_name="other", description="elsewhere at the source"),
    ],
)
def test_what_only_adds_is_no_news(new: Contract) -> None:
    assert list(changes(OLD, new)) == []


def test_purposes_lost_by_the_whole_contract_are_not_told_again_for_each_column() -> None:
    narrower = with_column("address", purposes=("event_handling",))
    (found,) = changes(OLD, replace(narrower, purposes=("event_handling",)))
    assert (found.column, found.purposes) == (None, ("premises_safety",))


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (("incidents", "caller_phone"), "name: caller_phone"),
        (("incidents", None), "- name: incidents"),
        (("incidents", "gone"), "- name: incidents"),
        ((None, None), "apiVersion"),
    ],
)
def test_a_change_stands_at_its_line(change: tuple[str | None, str | None], part: str) -> None:
    path = SYSTEMS / "police_110.odcs.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    assert part in lines[line_of(path, Change("police_110", *change, "gone", "x")) - 1]


def test_a_file_without_streams_has_a_first_line(tmp_path: Path) -> None:
    path = tmp_path / "x.odcs.yaml"
    path.write_text("schema: [7]\n", encoding="utf-8")
    assert line_of(path, Change("x", "a", "b", "gone", "x")) == 1


def test_what_no_longer_stands_whatever_its_age_is_told() -> None:
    old = load_contracts()["safety_inspection"]
    hazards = replace(old.streams["hazards"], stands_while=({"fixed_at": None},))
    (found,) = changes(old, replace(old, streams={**old.streams, "hazards": hazards}))
    assert (found.where, found.effect) == ("safety_inspection.hazards", "rows")
    assert "records that stood until now may go" in found.reason
