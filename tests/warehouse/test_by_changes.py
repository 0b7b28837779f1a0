"""Tables built by changes come to what they are built from everything, whatever changed.

Each way in which a changed record touches rows (dbt_project/macros/changes.sql) is taken here once; a macro that leaves
one out leaves a table that differs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from orchestration import increments
from quality.dbt_manifest import read_manifest
from tests.warehouse import whole_town

if TYPE_CHECKING:
    from tests.warehouse.conftest import DbtTown

MODELS = {
    "dim_resident": "core", "link_resident_address": "core", "dim_household": "core", "fct_event": "core",
    "fct_tax": "core", "dim_certificate": "core", "int_door": "core", "int_event_history": "candidate",
    "int_event_on_map": "candidate", "int_event_report": "candidate", "int_event_incident": "candidate",
    "event": "candidate",
}  # fmt: skip
DAY, NEXT = "2026-06-30", "2026-07-01"
BEFORE = 1
"""The load and the run of resolution that the first build read."""

PERMIT = {"kind": "residence_permit", "certificate_no": "Z1", "resident_id": "33010619491231002X", "state": "valid",
          "holder_kind": "person", "holder_name": "某某", "issuer": "公安局"}  # fmt: skip

Tables = dict[str, list[str]]


def _version(town: DbtTown, system: str, stream: str, load: int, row: dict[str, Any] | None, **key: Any) -> None:
    """The record of this key as a load tells it; without a row it is gone."""
    definition = town.contracts[system].streams[stream]
    table = sql.Identifier(definition.landing_schema, definition.landing_table)
    named = sql.SQL(" AND ").join(sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in key.items())
    with psycopg.connect(town.url) as conn:
        before = conn.execute(
            sql.SQL("UPDATE {} SET _to_load = {} WHERE _to_load IS NULL AND {} RETURNING to_jsonb({})").format(
                table, load, named, sql.Identifier(definition.landing_table)
            )
        ).fetchone()
    if row is None:
        return
    kept = {c.name: before[0][c.name] for c in definition.columns} if before else {}
    town.land(system, stream, {**kept, **key, **row})
    with psycopg.connect(town.url) as conn:
        conn.execute(sql.SQL("UPDATE {} SET _from_load = {} WHERE _to_load IS NULL AND {}").format(table, load, named))


def _moves(town: DbtTown, kind: str, record: tuple[str, str, str], entity: str, run: int = 2) -> None:
    with psycopg.connect(town.url) as conn:
        conn.execute(
            "UPDATE resolution.membership SET to_run = %s WHERE (kind, system, stream, record_key) = (%s, %s, %s, %s)"
            " AND to_run IS NULL",
            [run, kind, *record],
        )
    town.link(kind, entity, record)
    with psycopg.connect(town.url) as conn:
        conn.execute("UPDATE resolution.membership SET from_run = %s WHERE entity_key = %s", [run, entity])


def _first_day(town: DbtTown) -> None:
    whole_town.land(town)
    town.link("event", "I1", ("police_110", "incidents", "INC0"), ("four_platform", "events", "EVE0|UNI0"))
    closing = {"unit_code": "BULK", "state": "closed", "reported_at": "2026-06-01 08:00:00+08"}
    for number in range(11):
        at = "2026-06-05 08:00:00+08" if number < 5 else "2026-06-06 08:00:00+08"
        more = {"closed_at": at, "updated_at": at, "category": "火灾"}
        # Five of the first moment are a button; four of the second are none yet.
        if number < 9:
            town.land("four_platform", "events", {"event_no": f"B{number}", **closing, **more})
    town.land("police_110", "incidents", {"incident_no": "TOMORROW", "state": "received", "category": "050100",
                                          "reported_at": "2026-07-01 08:00:00+08"})  # fmt: skip
    ends = {"certificate_id": "ENDS", "issued_on": date(2025, 6, 30), "valid_to": date(2026, 6, 30)}
    town.land("certificate_library", "certificates", PERMIT | ends)
    with psycopg.connect(town.url) as conn:  # where they live is told by the door alone
        conn.execute("UPDATE landing.household_registry__residents SET community_code = NULL WHERE person_no = 'N0'")
    # A notice of nobody with the number of a resident, which a steward is asked about; no other record of it changes.
    deaths = town.contracts["death_register"].streams["deaths"]
    notice = ("death_register", "deaths", "DOUBT")
    town.land("death_register", "deaths", whole_town._row(deaths, 1, notice_no="DOUBT", resident_id="RES1"))
    town.link("resident", "NOBODY", notice)
    with psycopg.connect(town.url) as conn:
        conn.execute("UPDATE resolution.membership SET borrowed = true WHERE record_key = 'DOUBT'")
        conn.execute(
            "INSERT INTO resolution.review (kind, reason, record) VALUES ('resident', 'doubtful', jsonb_build_object("
            "'system', %s::text, 'stream', %s::text, 'record_key', %s::text))",
            notice,
        )
    orders = town.contracts["hotline_12345"].streams["orders"]
    due = {"due_at": "2026-06-30 20:00:00+08", "reported_at": "2026-06-20 08:00:00+08", "state": "assigned"}
    town.land("hotline_12345", "orders", whole_town._row(orders, whole_town.ROWS, **due))
    collections = town.contracts["tax_analysis"].streams["collections"]
    town.land("tax_analysis", "collections", whole_town._row(collections, 1, period="2024-05"))


def _next_day(town: DbtTown) -> None:
    """What changes from load 2 on, and with the second run of resolution."""
    # Doors: one is called otherwise and lies in another community, one is gone.
    _version(town, "standard_address", "addresses", 2, {"full_address": "文二路2号", "community_code": "330199103002"},
             address_code="D0")  # fmt: skip
    _version(town, "standard_address", "addresses", 2, None, address_code="D1")
    # Residents: one moves, one leaves the register, one becomes somebody else.
    _version(town, "household_registry", "residents", 2, {"address_code": "D3", "address": "文一路3号",
             "updated_at": "2026-06-30 08:00:00+08"}, person_no="N2")  # fmt: skip
    _version(town, "household_registry", "residents", 2, None, person_no="N4")
    _moves(town, "resident", ("household_registry", "residents", "N5"), "SOMEBODY")
    # A steward has said that the notice is not the bearer's.
    with psycopg.connect(town.url) as conn:
        conn.execute("UPDATE resolution.review SET state = 'decided' WHERE state = 'open'")
    # Taxes: a correction, and a taxpayer that becomes another enterprise.
    tax = town.rows("SELECT taxpayer_no, tax_kind, period FROM landing.tax_analysis__collections ORDER BY 3 LIMIT 1")[0]
    _version(town, "tax_analysis", "collections", 2, {"amount": 99}, taxpayer_no=tax[0], tax_kind=tax[1], period=tax[2])
    _moves(town, "enterprise", ("tax_registry", "taxpayers", tax[0]), "OTHER")
    # Certificates: a newer one of a holder.
    newer = {"certificate_id": "NEWER", "issued_on": date(2026, 6, 30), "valid_to": date(2027, 6, 30)}
    town.land("certificate_library", "certificates", PERMIT | newer)
    with psycopg.connect(town.url) as conn:
        conn.execute(
            "UPDATE landing.certificate_library__certificates SET _from_load = 2 WHERE certificate_id = 'NEWER'"
        )
    # Reports: one leaves the first button's moment, a fifth joins the second; one is gone, one goes back on its way.
    _version(town, "four_platform", "events", 2, {"closed_at": "2026-06-07 08:00:00+08",
             "updated_at": "2026-06-07 08:00:00+08"}, event_no="B0", unit_code="BULK")  # fmt: skip
    _version(town, "four_platform", "events", 2, {"closed_at": "2026-06-06 08:00:00+08",
             "updated_at": "2026-06-06 08:00:00+08"}, event_no="B1", unit_code="BULK")  # fmt: skip
    _version(town, "four_platform", "events", 2, None, event_no="B2", unit_code="BULK")
    _version(town, "four_platform", "events", 2, {"state": "assigned", "closed_at": None}, event_no="B3",
             unit_code="BULK")  # fmt: skip
    _version(town, "police_110", "incidents", 2, {"longitude": 125.0}, incident_no="INC2")
    _moves(town, "event", ("police_110", "incidents", "INC0"), "I2")
    # A version waits of a report that did not change.
    with psycopg.connect(town.url) as conn:
        conn.execute(
            "INSERT INTO quarantine.row (system, stream, load_id, record_key, payload, payload_text, payload_digest,"
            " reasons) VALUES ('snapshot_report', 'reports', 1, 'REP3', '{}', '{}', 'd', '{state:unknown_code}')"
        )


@pytest.fixture(scope="module")
def built(dbt_town: DbtTown) -> Iterator[dict[str, Any]]:
    """The first day built from everything, the next by changes and again from everything."""
    _first_day(dbt_town)
    assert dbt_town.dbt("seed").code == 0
    _build(dbt_town, DAY, [])
    first = _tables(dbt_town)
    in_doubt = dbt_town.rows("SELECT resident_key FROM core.dim_resident WHERE may_be_deceased")
    with psycopg.connect(dbt_town.url) as conn:
        conn.execute(
            "INSERT INTO control.build_state (chain, basis, as_of, reads, loads, runs)"
            " SELECT chain, '', %s, '{}', '{}', %s FROM unnest(%s::text[]) AS chain",
            [DAY, json.dumps({c.entity: BEFORE for c in increments.CHAINS}), [c.name for c in increments.CHAINS]],
        )
    _next_day(dbt_town)
    with psycopg.connect(dbt_town.url) as conn:
        for chain in increments.CHAINS:
            state = increments._State("", date.fromisoformat(DAY), dict.fromkeys(_streams(chain), BEFORE),
                                      {chain.entity: BEFORE})  # fmt: skip
            increments._note_changes(conn, chain, dbt_town.contracts, state)
    _build(dbt_town, NEXT, [chain.name for chain in increments.CHAINS])
    made = dict(dbt_town.rows("SELECT model, count(*) FROM control.changed_key GROUP BY 1"))
    keys = {row[0] for row in dbt_town.rows("SELECT key FROM control.changed_key WHERE model = 'fct_tax'")}
    by_changes = _tables(dbt_town)
    _build(dbt_town, NEXT, [])
    anew = _tables(dbt_town)
    yield {"first": first, "made": made, "by_changes": by_changes, "anew": anew, "tax keys": keys, "in doubt": in_doubt}


def _streams(chain: increments.Chain) -> list[str]:
    return [".".join(stream) for stream in chain.streams]


def _build(town: DbtTown, day: str, by_changes: list[str]) -> None:
    names = [f"+{name}" for name in MODELS]
    told = town.dbt(
        "run", "--select", *names, "--vars", json.dumps({"as_of": day, "by_changes": by_changes}), as_of=None
    )
    assert told.code == 0, told.output[-3000:]


def _tables(town: DbtTown) -> Tables:
    return {
        name: [row[0] for row in town.rows(f"SELECT t::text FROM {schema}.{name} AS t ORDER BY 1")]
        for name, schema in MODELS.items()
    }


@pytest.mark.parametrize("model", MODELS)
def test_a_table_built_by_changes_is_the_table_built_from_everything(built: dict[str, Any], model: str) -> None:
    assert built["by_changes"][model] == built["anew"][model]


@pytest.mark.parametrize("model", MODELS)
def test_every_table_had_something_to_change_and_something_to_leave(built: dict[str, Any], model: str) -> None:
    assert built["anew"][model] != built["first"][model]
    assert built["made"][model] > 0
    assert set(built["anew"][model]) & set(built["first"][model]) or model == "int_event_history"


def test_a_notice_in_doubt_is_so_until_its_review_is_settled(built: dict[str, Any], dbt_town: DbtTown) -> None:
    """Of the table that was built before, for no record of theirs changed."""
    assert built["in doubt"] == [("RE1",)]
    assert dbt_town.rows("SELECT resident_key FROM core.dim_resident WHERE may_be_deceased") == []


def test_a_channel_that_tells_nothing_any_more(dbt_town: DbtTown, built: dict[str, Any]) -> None:
    with psycopg.connect(dbt_town.url) as conn:
        conn.execute("DELETE FROM control.changed_record")
        conn.execute("UPDATE control.build_state SET as_of = %s", [NEXT])
        conn.execute(
            "UPDATE control.load SET started_at = '2026-01-01', finished_at = '2026-01-01' WHERE system = 'city_eye'"
        )
    _build(dbt_town, NEXT, [chain.name for chain in increments.CHAINS])
    by_changes = _tables(dbt_town)
    assert by_changes["event"] != built["anew"]["event"]
    _build(dbt_town, NEXT, [])
    assert _tables(dbt_town) == by_changes


def test_every_model_of_a_chain_is_looked_at(dbt_town: DbtTown, built: dict[str, Any]) -> None:
    """And says the same of its chain and key in the model, in the .yml and in `increments`."""
    models = read_manifest(dbt_town.target / "manifest.json").models().values()
    followed = {node["name"]: node for node in models if node["config"].get("materialized") == "by_changes"}
    assert set(followed) == set(MODELS)
    for name, node in followed.items():
        chain = node["config"]["meta"]["by_changes"]["chain"]
        assert chain in {each.name for each in increments.CHAINS}
        assert f"is_changed('{chain}', '{name}', " in node["raw_code"]


def test_keys_are_written_as_the_models_write_them(dbt_town: DbtTown, built: dict[str, Any]) -> None:
    query = "SELECT taxpayer_no || '|' || tax_kind || '|' || to_char(period_month, 'YYYY-MM') FROM core.fct_tax"
    known = {row[0] for row in dbt_town.rows(query)}
    assert built["tax keys"] and built["tax keys"] <= known
