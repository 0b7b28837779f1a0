"""Failing one upstream turns exactly what depends on it unknown, and nothing else: stream by stream, over the graph.

One build of a small town; then, for each stream, a transaction in which its newest load failed (or is too old) and the
compiled SQL of `dim_input` and of all that is built on it runs again. What must change is read from the graph that the
purpose check follows (`quality.purposes`), so that a product which reads a stream and never asks how it is is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from connectors.contract_folder import load_contracts
from quality.dbt_manifest import Manifest, read_manifest
from quality.families import FAMILIES
from quality.purposes import streams_behind
from tests.warehouse import whole_town
from tests.warehouse.rebuilt import statements

if TYPE_CHECKING:
    from tests.warehouse.conftest import DbtTown

PRODUCTS = {product.name: product for family in FAMILIES.values() for product in family.products}
STREAMS = [f"{contract.id}.{name}" for contract in load_contracts().values() if contract.enabled
           for name in contract.streams]  # fmt: skip
PLACE = "a place that is shown beside the finding and decides nothing: where the last good register says it is"
JOINED = "read on the way (a join that keeps every row) and in none of the columns that are used"
PERSON = "tells who somebody is beside the registers that decide (policy_inputs); without it the record of them stands"
WAITING = "read to tell which premises a waiting row is about; of the rows, those of the product's own inputs count"
A_YES = "tells of a reason to pay, which stands; a no rests on it of those alone who are paid and have no such reason"
INDIFFERENT: dict[str, tuple[str, ...]] = {
    PLACE: (
        *(f"{name} grid_map.communities" for name in PRODUCTS),
        *(f"{name} grid_map.grids" for name in ("premises_risk", "inspection_plan", "uninspected_premises")),
        "elder_care_alarm standard_address.addresses", "welfare_match standard_address.addresses",
        "welfare_reconciliation standard_address.addresses",
    ),
    JOINED: (
        "business_environment lease_register.leases", "business_environment tax_analysis.collections",
        "business_environment tax_registry.taxpayers",
    ),
    WAITING: (
        "hazard_closure administrative_penalty.penalties", "hazard_closure fire_119.incidents",
        "hazard_closure fire_supervision.inspections", "hazard_closure hazmat_enterprise.licences",
        "hazard_closure safety_patrol.patrols", "hazard_closure smoke_sensor.installations",
        "hazard_closure smoke_sensor.messages",
        "uninspected_premises administrative_penalty.penalties", "uninspected_premises fire_119.incidents",
        "uninspected_premises safety_inspection.hazards", "uninspected_premises safety_inspection.inspections",
        "uninspected_premises safety_patrol.patrols", "uninspected_premises smoke_sensor.messages",
    ),
    A_YES: ("welfare_match pension.illnesses",),
    PERSON: (
        "welfare_match migrant_registry.registrations", "welfare_match payee_account.accounts",
        "welfare_reconciliation migrant_registry.registrations",
    ),
}  # fmt: skip
"""Why a product may stand as it is when a stream that it reads fails → product and stream."""
_MAY_STAND = {tuple(pair.split()) for pairs in INDIFFERENT.values() for pair in pairs}

Content = dict[str, dict[str, tuple[bool, dict[str, Any]]]]
"""product → key of a row → whether the row says "unknown", and all of its columns"""


@dataclass
class Graph:
    """The town as built, and how to build again what stands on the states of the inputs."""

    town: DbtTown
    manifest: Manifest

    @cached_property
    def behind(self) -> dict[str, set[str]]:
        return {name: set(streams_behind(self.manifest, name)) for name in PRODUCTS}

    @cached_property
    def statements(self) -> list[sql.Composed]:
        """`dim_input` and every model that is built on it, again."""
        return statements(self.manifest, "dim_input")

    @cached_property
    def whole(self) -> Content:
        """What the products say while all is well."""
        with psycopg.connect(self.town.url) as conn:
            return _content(conn)

    @contextmanager
    def without(self, *streams: str, aged: bool = False) -> Iterator[Content]:
        """What the products say when these streams failed; nothing of it stays."""
        with psycopg.connect(self.town.url) as conn:
            for stream in streams:
                names = stream.split(".")
                if aged:
                    conn.execute(
                        "UPDATE control.load SET started_at = started_at - interval '9 years',"
                        " finished_at = finished_at - interval '9 years' WHERE system = %s AND stream = %s",
                        names,
                    )
                else:
                    conn.execute(
                        "INSERT INTO control.load"
                        " (load_key, system, stream, contract_version, state, started_at, finished_at) VALUES"
                        " (gen_random_uuid()::text, %s, %s, '1', 'failed', clock_timestamp(), clock_timestamp())",
                        names,
                    )
            for statement in self.statements:
                conn.execute(statement)
            yield _content(conn)
            conn.rollback()


def _content(conn: psycopg.Connection) -> Content:
    found: Content = {}
    for name, product in PRODUCTS.items():
        key = sql.SQL(" || '|' || ").join(
            sql.SQL("coalesce({}::text, '')").format(sql.Identifier(column)) for column in product.key_columns
        )
        rows = conn.execute(
            sql.SQL("SELECT {}, coalesce({}, false), to_jsonb(t) FROM {} AS t").format(
                key, sql.SQL(product.unknown), sql.Identifier("candidate", name)
            )
        )
        found[name] = {row[0]: (row[1], row[2]) for row in rows}
    return found


@pytest.fixture(scope="module")
def graph(dbt_town: DbtTown) -> Graph:
    whole_town.land(dbt_town)
    run = dbt_town.dbt("build", "--exclude", "resource_type:test", "resource_type:unit_test")
    assert run.code == 0, run.output[-3000:]
    return Graph(dbt_town, read_manifest(run.target / "manifest.json"))


def test_every_product_has_something_to_lose(graph: Graph) -> None:
    for name, rows in graph.whole.items():
        assert rows, f"{name} is empty: nothing could be seen to change"


def test_building_again_changes_nothing(graph: Graph) -> None:
    with graph.without() as again:
        assert {name for name in PRODUCTS if again[name] != graph.whole[name]} == set()


@pytest.mark.parametrize("number", range(len(STREAMS)), ids=STREAMS)
def test_failing_one_upstream_turns_exactly_what_depends_on_it_unknown(graph: Graph, number: int) -> None:
    stream = STREAMS[number]
    depends = {name for name in PRODUCTS if stream in graph.behind[name]}
    with graph.without(stream, aged=number % 3 == 2) as found:
        pass
    changed = {name for name in PRODUCTS if found[name] != graph.whole[name]}
    assert changed - depends == set(), "changed, and does not depend on it"
    assert {name for name in depends - changed if (name, stream) not in _MAY_STAND} == set(), "does not ask how it is"
    for name in changed:
        before, after = graph.whole[name], found[name]
        assert set(before) == set(after), f"{name} has other rows"
        assert not [key for key, (unknown, _) in after.items() if before[key][0] and not unknown], f"{name} got better"
        silent = [
            key
            for key, (unknown, row) in after.items()
            if row != before[key][1] and not unknown and stream not in str(row) and not _says_less(before[key][1], row)
        ]
        assert silent == [], f"{name} changed and says neither that it is unknown nor without what"


def _says_less(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """A column that said something says nothing now, or is less sure, or says that something may have ended."""
    lost = any(after[column] is None for column, value in before.items() if value is not None)
    sure = ("low", "medium", "high")
    if "it may have ended" in after.get("reason", ""):
        return True
    return lost or sure.index(after.get("confidence", "high")) < sure.index(before.get("confidence", "low"))


def test_what_may_stand_as_it_is_reads_what_fails(graph: Graph) -> None:
    """Nothing is excused that would not need to be; the communities are excused for all that show one."""
    needless = {(name, stream) for name, stream in _MAY_STAND if stream not in graph.behind[name]}
    assert {pair for pair in needless if pair[1] != "grid_map.communities"} == set()
