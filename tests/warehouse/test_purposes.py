"""The purpose check on the project as it is compiled, and on more than three hundred ways of breaking it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connectors.contract_folder import load_contracts
from quality import purposes
from quality.dbt_manifest import Manifest, read_manifest
from quality.declassification import Declassification
from quality.families import FAMILIES

PRODUCTS = [(product.name, product.purpose) for family in FAMILIES.values() for product in family.products]

# What a purpose may not touch: system, stream, column. Some columns are narrower than their contract.
FORBIDDEN = {
    "premises_safety": [
        ("tax_analysis", "collections", "amount"),
        ("household_registry", "residents", "birth_date"),
        ("welfare_payment", "payments", "amount"),
        ("police_110", "incidents", "caller_phone"),
        ("four_platform", "events", "reporter_phone"),
        ("snapshot_report", "reports", "category"),
        ("elder_door_sensor", "readings", "battery"),
        ("administrative_penalty", "penalties", "party_name"),
        ("hotline_12345", "orders", "category"),
        ("safety_patrol", "patrols", "description"),
        ("lease_register", "leases", "rent"),
        ("property_register", "tenants", "resident_id"),
        ("payee_account", "accounts", "account_no"),
    ],
    "welfare_delivery": [
        ("property_register", "tenants", "resident_id"),
        ("tax_registry", "taxpayers", "name"),
        ("household_registry", "residents", "ethnic_group"),
        ("police_110", "incidents", "category"),
        ("four_platform", "events", "state"),
        ("safety_inspection", "premises", "name"),
        ("video_index", "devices", "name"),
        ("administrative_penalty", "penalties", "matter"),
        ("dispute_mediation", "cases", "category"),
        ("enterprise_demand", "demands", "category"),
        ("petition", "petitions", "category"),
        ("party_building", "organisations", "members"),
    ],
    "event_handling": [
        ("petition", "petitions", "category"),
        ("party_building", "organisations", "members"),
        ("household_registry", "residents", "birth_date"),
        ("minimum_living", "members", "category"),
        ("disability_certificate", "certificates", "level"),
        ("tax_analysis", "collections", "amount"),
        ("elder_door_sensor", "readings", "battery"),
        ("public_opinion", "items", "topic"),
        ("property_register", "tenants", "resident_id"),
    ],
    "elder_care": [
        ("household_registry", "residents", "birth_date"),
        ("welfare_payment", "payments", "amount"),
        ("video_index", "devices", "name"),
        ("petition", "petitions", "category"),
        ("party_building", "activities", "participants"),
        ("police_110", "incidents", "category"),
        ("smart_community", "hourly_counts", "passes_in"),
    ],
    "enterprise_service": [
        ("welfare_payment", "payments", "amount"),
        ("household_registry", "residents", "birth_date"),
        ("police_110", "incidents", "category"),
        ("party_building", "organisations", "members"),
        ("safety_inspection", "inspections", "result"),
        ("hotline_12345", "orders", "category"),
        ("property_register", "tenants", "resident_id"),
        ("public_opinion", "items", "mood"),
    ],
    "party_service": [
        ("household_registry", "residents", "birth_date"),
        ("welfare_payment", "payments", "amount"),
        ("tax_analysis", "collections", "amount"),
        ("deliberation", "topics", "state"),
        ("petition", "petitions", "category"),
    ],
    "public_service": [
        ("household_registry", "residents", "birth_date"),
        ("party_building", "organisations", "members"),
        ("welfare_payment", "payments", "amount"),
        ("tax_analysis", "collections", "amount"),
        ("petition", "petitions", "category"),
    ],
    "town_overview": [
        ("tax_analysis", "collections", "amount"),
        ("petition", "petitions", "category"),
        ("party_building", "organisations", "members"),
        ("police_110", "incidents", "category"),
        # Declassified are sums of these systems in one model, and neither other columns nor other models.
        ("welfare_payment", "payments", "amount"),
        ("household_registry", "residents", "birth_date"),
        ("four_platform", "events", "category"),
    ],
}

# A query `q` with output columns `c` (the first of them `k`) → the same query resting on column `f` of table `t`.
MUTATIONS: dict[str, str] = {
    "select": "select {rest}, coalesce(q.{k}, (select min(t.{f}::text) from {t} as t)) as {k} from ({q}) as q",
    "case": "select {rest}, case when t.{f} is null then q.{k} else q.{k} end as {k}"
    " from ({q}) as q cross join {t} as t",
    "where": "select {all} from ({q}) as q cross join {t} as t where t.{f} is not null",
    "left_join": "select {all} from ({q}) as q left join {t} as t on t.{f}::text = q.{k}::text",
    "inner_join": "select {all} from ({q}) as q inner join {t} as t on length(t.{f}::text) > 0",
    "group_by": "select {all} from ({q}) as q cross join {t} as t group by {all}, t.{f}",
    "having": "select {all} from ({q}) as q cross join {t} as t group by {all} having min(t.{f}::text) is not null",
    "order_by": "select {all} from ({q}) as q cross join {t} as t order by t.{f} limit 10",
    "window_order": "select {all} from (select {all}, row_number() over (order by t.{f}) as n"
    " from ({q}) as q cross join {t} as t) as q where q.n > 1",
    "window_partition": "select {rest}, max(q.{k}) over (partition by t.{f}) as {k}"
    " from ({q}) as q cross join {t} as t",
    "named_window": "select {rest}, max(q.{k}) over w as {k} from ({q}) as q cross join {t} as t"
    " window w as (order by t.{f})",
    "exists": "select {all} from ({q}) as q where exists (select 1 from {t} as t where t.{f}::text = q.{k}::text)",
    "not_exists": "select {all} from ({q}) as q where not exists (select 1 from {t} as t where t.{f} is not null)",
    "in_subquery": "select {all} from ({q}) as q where q.{k}::text in (select t.{f}::text from {t} as t)",
    "scalar_in_where": "select {all} from ({q}) as q where (select count(t.{f}) from {t} as t) > 5",
    "filter": "select {rest}, (select min(q.{k}) filter (where t.{f} is not null) from {t} as t) as {k}"
    " from ({q}) as q",
    "distinct_on": "select distinct on (t.{f}) {all} from ({q}) as q cross join {t} as t",
    "union": "select {all} from ({q}) as q where false union all"
    " select {all} from ({q}) as q where q.{k}::text <> (select max(t.{f}::text) from {t} as t)",
    "except": "select {all} from ({q}) as q except"
    " select {all} from ({q}) as q cross join {t} as t where t.{f} is null",
    "cte": "with hidden as (select max(t.{f}::text) as m from {t} as t)"
    " select {rest}, greatest(q.{k}, hidden.m) as {k} from ({q}) as q cross join hidden",
    "nested_cte": "with a as (select t.* from {t} as t), b as (select count(*) as n from a where {f} is not null)"
    " select {all} from ({q}) as q cross join b where b.n > 0",
    "lateral": "select {all} from ({q}) as q"
    " cross join lateral (select t.{f} from {t} as t where t.{f} is not null limit 1) as l",
    "array_subquery": "select {all} from ({q}) as q where cardinality(array(select t.{f} from {t} as t)) > 0",
    "lateral_values": "select {all} from ({q}) as q"
    " cross join (values ((select min(t.{f}::text) from {t} as t))) as v (m) where v.m is not null",
    "bracketed_join": "select {all} from (({q}) as q inner join {t} as t on t.{f} is not null)",
    "table_function": "select {all} from ({q}) as q cross join {t} as t"
    " cross join lateral jsonb_array_elements(jsonb_build_array(t.{f})) as e (m)",
    "array_compare": "select {all} from ({q}) as q where q.{k}::text = any (select t.{f}::text from {t} as t)",
    "grouping_sets": "select {all} from ({q}) as q cross join {t} as t"
    " group by grouping sets (({all}), ({all}, t.{f}))",
    "limit": "select {all} from ({q}) as q limit (select count(t.{f}) from {t} as t)",
    "join_condition_subquery": "select {all} from ({q}) as q inner join (select 1 as one) as o"
    " on exists (select 1 from {t} as t where t.{f} is not null)",
}
# Nothing of the rows but that they are there.
ROWS_ONLY = "select {all} from ({q}) as q where (select count(*) from {t} as t) > 5"
# What cannot be followed must fail, whatever stands in it.
BLIND: dict[str, str] = {
    "recursive": "with recursive r as (select t.road from {t} as t union all select t.road from r inner join {t} as t"
    " on t.road = r.road) select {all} from ({q}) as q cross join r",
    "field_of_row": "select {rest}, (t).road as {k} from ({q}) as q cross join {t} as t",
    "unparsed": "selec {all} from ({q}) as q",
    "two_statements": "{q}; {q}",
    "unknown_column": "select {all} from ({q}) as q cross join {t} as t where t.no_such_column is null",
    "unknown_table": "select {all} from ({q}) as q cross join landing.no_such_table as t",
    "catalog_table": "select {all} from ({q}) as q cross join pg_catalog.pg_stats as t",
    "isolated_table": "select {all} from ({q}) as q cross join isolated.health_code__lookups as t",
    "dynamic_sql": "select {all} from ({q}) as q where query_to_xml('select 1', true, true, '') is not null",
    "own_function": "select {all} from ({q}) as q cross join control.rows_at('premises_risk', 1) as t",
    "whole_row": "select {rest}, to_jsonb(t)::text as {k} from ({q}) as q cross join {t} as t",
    "column_too_many": "select {all}, 1 as smuggled from ({q}) as q",
    "write": "insert into {t} select {all} from ({q}) as q",
}


@pytest.fixture(scope="module")
def compiled(compiled_project: Path) -> Manifest:
    """The project's manifest with the SQL that dbt would run today."""
    return read_manifest(compiled_project)


@pytest.fixture(scope="module")
def judge(compiled: Manifest) -> Callable[..., purposes.Judged]:
    contracts, ours = load_contracts(), purposes.in_force()

    def run(manifest: Manifest, product: str, purpose: str, **more: Any) -> purposes.Judged:
        return purposes.judge_manifest(
            manifest, [(product, purpose)], contracts=contracts, exceptions=more.get("exceptions", ours)
        )

    return run


def with_sql(manifest: Manifest, model: str, sql: str, **config: Any) -> Manifest:
    """A copy of the manifest in which one model has other SQL; what it had is the model `<model>_before`."""
    uid = f"model.townhub.{model}"
    nodes = dict(manifest.document["nodes"])
    before = f"{model}_before"
    nodes[f"{uid}_before"] = {**nodes[uid], "unique_id": f"{uid}_before", "name": before, "alias": before}
    nodes[uid] = {**nodes[uid], "compiled_code": sql, "config": {**nodes[uid]["config"], **config}}
    return Manifest({**manifest.document, "nodes": nodes}, manifest.folder)


def mutated(
    manifest: Manifest, model: str, template: str, table: str, column: str, *, inline: bool = False
) -> Manifest:
    """A copy in which a model's query is put into a template; `k` is a column that its readers do read.

    `inline` writes the whole query into the template; otherwise it is read as a model of its own, which is the same
    to the check and faster to parse.
    """
    node = manifest.document["nodes"][f"model.townhub.{model}"]
    columns = list(node["columns"])
    key = next(name for name in KEYS if name in columns)
    sql = template.format(
        q=node["compiled_code"] if inline else f"select * from {node['schema']}.{node['alias']}_before",
        all=", ".join(f"q.{name}" for name in columns),
        rest=", ".join(f"q.{name}" for name in columns if name != key),
        k=key,
        t=table,
        f=column,
    )
    return with_sql(manifest, model, sql)


# A column of the model that its readers do read: the first of these that it has.
KEYS = (
    *(
        "premises_code",
        "resident_key",
        "policy_code",
        "incident_key",
        "event_key",
        "device_id",
        "enterprise_key",
        "lease_no",
    ),
    *("building_code", "quarter_from", "organisation_code", "service_point_key", "topic_no", "indicator_code"),
    *("figure_code", "topic", "community_code", "estate", "grid_code"),
)
# Where to break: the product itself, or a model deep below it.
PLACES = {
    "premises_risk": ("premises_risk", "dim_premises"),
    "grid_risk": ("grid_risk", "fct_hazard"),
    "inspection_plan": ("inspection_plan", "fct_inspection"),
    "hazard_closure": ("hazard_closure", "dim_grid"),
    "uninspected_premises": ("uninspected_premises", "dim_premises"),
    "welfare_match": ("welfare_match", "dim_resident"),
    "welfare_reconciliation": ("welfare_reconciliation", "fct_payment"),
    "event": ("fct_event",),
    "event_hotspot": ("event_hotspot",),
    "dispute": ("dispute",),
    "repair": ("repair",),
    "community_flow": ("fct_door_count",),
    "elder_care_alarm": ("elder_care_alarm", "dim_care_device"),
    "enterprise_profile": ("enterprise_profile", "dim_enterprise"),
    "lease_expiry": ("lease_expiry",),
    "building_economy": ("building_economy",),
    "business_environment": ("business_environment",),
    "party_organisation": ("party_organisation",),
    "service_point": ("service_point",),
    "deliberation": ("deliberation",),
    "town_indicator": ("town_indicator",),
    "topic": ("topic",),
    "case_study": ("case_study",),
}


def cases() -> Iterator[tuple[str, str, str, str, tuple[str, str, str], str]]:
    """product, purpose, model to break, kind, forbidden column, and the table it is read from: landed or staged."""
    for row, (product, purpose) in enumerate(PRODUCTS):
        forbidden = FORBIDDEN[purpose]
        for place in PLACES[product]:
            for number, kind in enumerate(MUTATIONS):
                if in_turn(row, number):
                    for step, table in ((0, "landing.{}__{}"), (3, "staging.stg_{}__{}")):
                        column = forbidden[(number + step) % len(forbidden)]
                        yield product, purpose, place, kind, column, table.format(*column)


def in_turn(product: int, kind: int) -> bool:
    """Every kind meets every third product and every product every third kind: all pairs would take minutes."""
    return (product + kind) % 3 == 0


CASES = list(cases())


def test_the_products_are_lawful(compiled: Manifest, judge: Callable[..., purposes.Judged]) -> None:
    for product, purpose in PRODUCTS:
        judged = judge(compiled, product, purpose)
        assert [str(violation) for violation in judged.violations] == []
        assert judged.columns > 10


def test_gates_may_ask_at_the_same_time(compiled: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was traced for one product is there for the others: two that trace at once must not take it for a ring."""
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for _ in range(3):
            monkeypatch.setattr(purposes, "_last", [])
            with ThreadPoolExecutor(4) as threads:
                asked = [threads.submit(purposes.judge_manifest, compiled, [product]) for product in PRODUCTS]
            assert [str(v) for one in asked for v in one.result().violations] == []
    finally:
        sys.setswitchinterval(switching)


def test_every_model_may_serve_what_it_declares(compiled: Manifest) -> None:
    """Core models too: who builds a product on one of them trusts its purposes."""
    violations = purposes.check_project(compiled.folder / "manifest.json")
    assert [str(violation) for violation in violations] == []


def test_there_are_three_hundred_mutants() -> None:
    assert len(CASES) >= 300


@pytest.mark.parametrize("kind", MUTATIONS)
def test_a_forbidden_column_is_found_wherever_it_stands(
    kind: str, compiled: Manifest, judge: Callable[..., purposes.Judged]
) -> None:
    for case in [case for case in CASES if case[3] == kind]:
        product, purpose, place, _, (system, stream, column), table = case
        # Every tenth in one piece: that the query stands inside must change nothing.
        manifest = mutated(compiled, place, MUTATIONS[kind], table, column, inline=CASES.index(case) % 10 == 0)
        violations = judge(manifest, product, purpose).violations
        named = [violation for violation in violations if violation.source == f"{system}.{stream}.{column}"]
        assert named, (product, place, kind, column, [str(violation) for violation in violations])
        assert named[0].path[0] == product
        assert f"{system}__{stream}.{column}" in named[0].path[-1]


@pytest.mark.parametrize(("product", "purpose"), PRODUCTS)
def test_the_health_code_reaches_no_product(
    product: str, purpose: str, compiled: Manifest, judge: Callable[..., purposes.Judged]
) -> None:
    """Not even one who declares it as a source of dbt gets it past the check, which names the way it came."""
    table = {"schema": "isolated", "identifier": "health_code__lookups", "columns": {}}
    sources = {**compiled.document["sources"], "source.townhub.health_code.lookups": table}
    declared = Manifest({**compiled.document, "sources": sources}, compiled.folder)
    for kind in ("case", "where", "exists"):
        manifest = mutated(declared, product, MUTATIONS[kind], "isolated.health_code__lookups", "colour")
        violations = judge(manifest, product, purpose).violations
        named = [violation for violation in violations if violation.source == "health_code.lookups.colour"]
        assert named and "permits epidemic_control only" in named[0].reason, (kind, violations)
        assert named[0].path[0] == product and "isolated.health_code__lookups.colour" in named[0].path[-1]
        # Undeclared, as it is, the model cannot be followed at all.
        manifest = mutated(compiled, product, MUTATIONS[kind], "isolated.health_code__lookups", "colour")
        assert "isolated.health_code__lookups" in judge(manifest, product, purpose).violations[0].reason


@pytest.mark.parametrize("table", ["resolution.membership", "resolution.open_review", "control.held_rows"])
def test_keys_of_forbidden_records_are_found_in_the_hub_s_own_tables(
    table: str, compiled: Manifest, judge: Callable[..., purposes.Judged]
) -> None:
    """Whom the ledger links to a register, and whose row waits in quarantine, is as good as the register; of which
    register it is that nobody can tell, of any."""
    contracts = load_contracts()
    for row, (product, purpose) in enumerate(PRODUCTS):
        forbidden = [(s, t) for s, t, _ in FORBIDDEN[purpose] if purpose not in contracts[s].purposes]
        for number, kind in enumerate(MUTATIONS):
            if (row + number) % 10 == 0:
                system, stream = forbidden[number % len(forbidden)]
                records = f"(select * from {table} as r where r.system = '{system}' and r.stream = '{stream}')"
                manifest = mutated(compiled, product, MUTATIONS[kind], records, "record_key")
                violations = judge(manifest, product, purpose).violations
                assert f"{system}.{stream}.*" in {violation.source for violation in violations}, (kind, violations)
        manifest = mutated(compiled, product, MUTATIONS["exists"], table, "record_key")
        (untold,) = judge(manifest, product, purpose).violations
        assert untold.source is None and "literals" in untold.reason


@pytest.mark.parametrize(("product", "purpose"), PRODUCTS)
def test_the_mere_number_of_forbidden_rows_is_found(
    product: str, purpose: str, compiled: Manifest, judge: Callable[..., purposes.Judged]
) -> None:
    system, stream, _ = FORBIDDEN[purpose][0]
    manifest = mutated(compiled, product, ROWS_ONLY, f"staging.stg_{system}__{stream}", "")
    found = {violation.source for violation in judge(manifest, product, purpose).violations}
    assert found == {f"{system}.{stream}.*"}


@pytest.mark.parametrize("kind", MUTATIONS)
def test_a_permitted_column_is_let_through(
    kind: str, compiled: Manifest, judge: Callable[..., purposes.Judged]
) -> None:
    """Otherwise the check could be one that always fails."""
    for row, (product, purpose) in enumerate(PRODUCTS):
        if in_turn(row, list(MUTATIONS).index(kind)):
            manifest = mutated(compiled, product, MUTATIONS[kind], "staging.stg_standard_address__addresses", "road")
            assert judge(manifest, product, purpose).violations == []


@pytest.mark.parametrize("kind", BLIND)
def test_what_cannot_be_followed_fails(kind: str, compiled: Manifest, judge: Callable[..., purposes.Judged]) -> None:
    for product, purpose in PRODUCTS:
        manifest = mutated(compiled, product, BLIND[kind], "landing.standard_address__addresses", "road")
        violations = judge(manifest, product, purpose).violations
        assert [violation.source for violation in violations] == [None]
        assert violations[0].reason


def test_a_raw_value_is_as_protected_as_its_column(compiled: Manifest, judge: Callable[..., purposes.Judged]) -> None:
    table = "landing.household_registry__residents"
    manifest = mutated(compiled, "welfare_match", MUTATIONS["where"], table, "ethnic_group_raw")
    found = {violation.source for violation in judge(manifest, "welfare_match", "welfare_delivery").violations}
    assert found == {"household_registry.residents.ethnic_group_raw"}


def test_a_hook_that_runs_sql_fails(compiled: Manifest, judge: Callable[..., purposes.Judged]) -> None:
    sql = compiled.document["nodes"]["model.townhub.premises_risk"]["compiled_code"]
    hook = {"post-hook": [{"sql": "update candidate.premises_risk set colour = 'red'"}]}
    manifest = with_sql(compiled, "premises_risk", sql, **hook)
    assert "hook" in judge(manifest, "premises_risk", "premises_safety").violations[0].reason


def test_a_column_that_nobody_reads_decides_nothing(compiled: Manifest, judge: Callable[..., purposes.Judged]) -> None:
    """Staging mirrors whole contracts: what a product does not read of it is not its concern."""
    welfare = judge(compiled, "welfare_match", "welfare_delivery")
    assert not [violation for violation in welfare.violations if "ethnic_group" in str(violation)]


def test_without_its_declassifications_the_case_study_is_unlawful(
    compiled: Manifest, judge: Callable[..., purposes.Judged]
) -> None:
    for entry in purposes.in_force():
        others = [other for other in purposes.in_force() if other != entry]
        violations = judge(compiled, "case_study", "town_overview", exceptions=others).violations
        assert {violation.source for violation in violations} == set(entry.sources)


def test_a_declassification_opens_what_it_names_and_no_more(
    compiled: Manifest, judge: Callable[..., purposes.Judged]
) -> None:
    tax = compiled.document["nodes"]["model.townhub.fct_tax"]
    grouped = (
        "select {columns} from staging.stg_tax_analysis__collections as c group by c.tax_kind having count(*) >= 10"
    ).format(
        columns=", ".join(
            f"sum(c.amount) as {name}" if name == "amount" else f"c.tax_kind as {name}" for name in tax["columns"]
        )
    )
    manifest = with_sql(compiled, "fct_tax", grouped)
    manifest = mutated(manifest, "premises_risk", MUTATIONS["scalar_in_where"], "core.fct_tax", "amount")
    closed = {violation.source for violation in judge(manifest, "premises_risk", "premises_safety").violations}
    assert closed == {f"tax_analysis.collections.{name}" for name in ("amount", "tax_kind", "*")}
    opened = Declassification(
        model="fct_tax",
        columns=("amount",),
        sources=tuple(closed),
        purpose="premises_safety",
        approver="A Person, data office",
        basis="example",
        expires=date(2099, 1, 1),
        minimum_group_size=10,
    )
    assert judge(manifest, "premises_risk", "premises_safety", exceptions=[opened]).violations == []
    # Another purpose, another column, or groups that are too small: still closed.
    other = replace(opened, purpose="welfare_delivery")
    assert judge(manifest, "premises_risk", "premises_safety", exceptions=[other]).violations
    narrow = replace(opened, columns=("tax_kind",))
    assert judge(manifest, "premises_risk", "premises_safety", exceptions=[narrow]).violations
    larger = replace(opened, minimum_group_size=11)
    (too_small,) = judge(manifest, "premises_risk", "premises_safety", exceptions=[larger]).violations
    assert "HAVING count(*) >= 11" in too_small.reason
