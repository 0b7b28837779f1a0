"""The gate on a real PostgreSQL: every check of every suite fails when it should, and no value of a row leaks."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from quality import docs, gate, great, guards, record
from quality.checks import Check, Outcome
from quality.families import FAMILIES, SAFETY, WELFARE
from quality.results import DbtResult, Verdict
from quality.suites import SUITES, verdict_name
from tests.integration import gate_cases
from tests.integration.gate_cases import (
    BREAKS,
    CANARY,
    CANDIDATES,
    DAY,
    by_contract,
    commit_load,
    dbt_results,
    judged,
    land,
    not_green,
    stream_of,
    write_manifest,
)
from warehouse import build_inputs, release
from warehouse.connection import connect


@pytest.fixture
def builder(candidates: psycopg.Connection) -> psycopg.Connection:
    return candidates


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A dbt project of all products, lawful and with one test each."""
    return write_manifest(tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_sound_candidate_is_green_and_published(family: str, builder: psycopg.Connection, manifest: Path) -> None:
    candidate, verdicts = judged(builder, family, manifest)
    assert not_green(verdicts) == {}
    required = {
        row[0] for row in builder.execute("SELECT check_name FROM control.required_check WHERE family = %s", [family])
    }
    assert required == set(verdicts)
    written = builder.execute(
        "SELECT check_name, run_id FROM control.verdict WHERE candidate_id = %s", [candidate]
    ).fetchall()
    assert {row[0] for row in written} == set(verdicts) and {row[1] for row in written} == {"run"}
    assert release.obstacles(builder, candidate) == []
    assert release.publish(builder, candidate, "test").release_id > 0


def test_registering_is_repeatable_and_forgets_old_checks(builder: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        builder.execute("DELETE FROM control.required_check")  # whose work is judged does not choose the judges
    with connect("owner") as owner:
        owner.execute("INSERT INTO control.required_check VALUES ('safety', 'gx.premises_risk.of_yesterday')")
    everything = "SELECT (SELECT json_agg(p ORDER BY product) FROM control.product p)::text, (SELECT count(*) FROM c)"
    everything = f"WITH c AS (SELECT FROM control.required_check) {everything}"
    for _ in range(2):
        with connect("owner") as owner:
            gate.register(owner)
    first = builder.execute(everything).fetchone()
    with connect("owner") as owner:
        gate.register(owner)
    assert builder.execute(everything).fetchone() == first
    names = {row[0] for row in builder.execute("SELECT check_name FROM control.required_check WHERE family = 'safety'")}
    assert names == set(gate.required_checks(SAFETY))


def test_the_migration_and_the_families_name_the_same_products(builder: psycopg.Connection) -> None:
    found = builder.execute("SELECT product, family, key_columns, purpose FROM control.product ORDER BY 1").fetchall()
    ours = [(p.name, f.name, list(p.key_columns), p.purpose) for f in FAMILIES.values() for p in f.products]
    assert found == sorted(ours)
    # Publishing trusts this index with keys that stand twice: it must be over the key that is checked.
    keys = builder.execute(
        """SELECT p.product, array(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
                                     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                                    ORDER BY k.place)
             FROM control.product p JOIN pg_index i ON i.indrelid = ('released.' || p.product)::regclass
            WHERE i.indisunique AND pg_get_expr(i.indpred, i.indrelid) = '(to_release IS NULL)' ORDER BY 1"""
    ).fetchall()
    assert [(product, sorted(key)) for product, key in keys] == [(product, sorted(key)) for product, _, key, _ in found]


def test_every_check_has_a_way_to_fail() -> None:
    assert {product: set(breaks) for product, breaks in BREAKS.items()} == {
        product: {check.name for check in checks} for product, checks in SUITES.items()
    }


@pytest.mark.parametrize("product", SUITES)
def test_every_check_fails_when_its_rule_is_broken(product: str, builder: psycopg.Connection) -> None:
    for family in FAMILIES:
        release.register_candidate(builder, family, DAY, "test")  # some rules ask for the candidate's day
    for check in SUITES[product]:
        builder.execute(CANDIDATES)
        assert great.validate("candidate", product, [check], role="builder")[0].passed, check.name
        builder.execute(BREAKS[product][check.name])
        (outcome,) = great.validate("candidate", product, [check], role="builder")
        assert (outcome.passed, outcome.error) == (False, None), check.name


def test_a_red_check_keeps_the_candidate_out(builder: psycopg.Connection, manifest: Path) -> None:
    builder.execute(BREAKS["premises_risk"]["overdue_never_green"])
    candidate, verdicts = judged(builder, "safety", manifest)
    assert not_green(verdicts) == {"gx.premises_risk.overdue_never_green": "red"}
    with pytest.raises(release.ReleaseError, match="overdue_never_green is red"):
        release.publish(builder, candidate, "test")


def test_a_check_that_crashes_is_an_error_and_the_others_go_on(builder: psycopg.Connection, manifest: Path) -> None:
    builder.execute("ALTER TABLE core.dim_grid RENAME TO dim_grid_gone")
    try:
        candidate, verdicts = judged(builder, "safety", manifest)
    finally:
        builder.execute("ALTER TABLE core.dim_grid_gone RENAME TO dim_grid")
    crashed = {
        verdict_name(product.name, check): "error"
        for product in SAFETY.products
        for check in SUITES[product.name]
        if "core.dim_grid" in str(check.arguments)
    }
    assert len(crashed) > 1 and not_green(verdicts) == crashed
    assert verdicts["gx.premises_risk.grid_on_map"].observed == {"error": "psycopg2.errors.UndefinedTable"}
    assert len(release.obstacles(builder, candidate)) == len(crashed)


def test_nothing_is_green_over_no_rows(builder: psycopg.Connection, manifest: Path) -> None:
    builder.execute("TRUNCATE candidate.welfare_match, candidate.welfare_reconciliation")
    _, verdicts = judged(builder, "welfare", manifest)
    suite = {verdict_name(p.name, check) for p in WELFARE.products for check in SUITES[p.name]}
    assert suite | {"guard.volume", "guard.unknown_share"} == set(not_green(verdicts))


def test_a_table_that_is_gone_is_an_error(builder: psycopg.Connection, manifest: Path) -> None:
    candidate = release.register_candidate(builder, "welfare", DAY, "run")
    builder.execute("DROP TABLE candidate.welfare_match")
    verdicts = gate.judge(
        "welfare", candidate.candidate_id, dbt_results=dbt_results("welfare"), run_id=None, linked={}, manifest=manifest
    )
    states = {verdict.check_name: verdict.state for verdict in verdicts}
    assert states["gx.welfare_match.columns"] == "error" and states["guard.unknown_share"] == "error"
    assert len(verdicts) == len(gate.required_checks(WELFARE))


def test_a_candidate_of_another_family_is_refused(builder: psycopg.Connection, manifest: Path) -> None:
    candidate = release.register_candidate(builder, "welfare", DAY, "run")
    with pytest.raises(gate.NoSuchCandidate):
        gate.judge("safety", candidate.candidate_id, dbt_results=[], run_id=None, linked={}, manifest=manifest)
    with pytest.raises(KeyError, match="knows safety, welfare"):
        gate.judge("weather", candidate.candidate_id, dbt_results=[], run_id=None, linked={}, manifest=manifest)


@pytest.mark.parametrize(
    ("result", "observed"),
    [
        (DbtResult("welfare_match", "sound_welfare_match", "fail", 3), {"failed": ["sound_welfare_match"]}),
        (DbtResult("welfare_match", "sound_welfare_match", "error"), {"failed": ["sound_welfare_match"]}),
        (DbtResult("welfare_match", "sound_welfare_match", "skipped"), {"failed": ["sound_welfare_match"]}),
        (DbtResult("welfare_match", None, "error"), {"failed": ["welfare_match"]}),
    ],
)
def test_every_model_and_test_of_dbt_must_have_come_out_well(
    result: DbtResult, observed: dict[str, Any], builder: psycopg.Connection, manifest: Path
) -> None:
    results = [result if known.name == result.name else known for known in dbt_results("welfare")]
    _, verdicts = judged(builder, "welfare", manifest, results)
    assert not_green(verdicts) == {"guard.build": "red"}
    assert observed.items() <= verdicts["guard.build"].observed.items()


@pytest.mark.parametrize("name", ["welfare_match", "sound_welfare_match"])
def test_a_model_or_test_that_this_build_did_not_run_keeps_the_family_out(
    name: str, builder: psycopg.Connection, manifest: Path
) -> None:
    results = [result for result in dbt_results("welfare") if result.name != name]
    _, verdicts = judged(builder, "welfare", manifest, results)
    assert not_green(verdicts) == {"guard.build": "red"}
    assert verdicts["guard.build"].observed["missing"] == [name]


def test_a_family_is_not_stopped_by_the_tests_of_another(builder: psycopg.Connection, manifest: Path) -> None:
    other = [DbtResult("premises_risk", "sound_premises_risk", "fail", 1)]
    assert not_green(judged(builder, "welfare", manifest, [*dbt_results("welfare"), *other])[1]) == {}


def test_without_a_manifest_the_guards_that_need_it_are_errors(builder: psycopg.Connection, tmp_path: Path) -> None:
    _, verdicts = judged(builder, "welfare", tmp_path / "manifest.json")
    assert not_green(verdicts) == {"guard.build": "error", "guard.purpose": "error"}
    assert "townhub run" in verdicts["guard.purpose"].observed["message"]


def test_an_unlawful_model_is_red(builder: psycopg.Connection, tmp_path: Path) -> None:
    query = "select taxpayer_no from landing.tax_analysis__collections"
    _, verdicts = judged(builder, "welfare", write_manifest(tmp_path, welfare_match=query))
    assert not_green(verdicts) == {"guard.purpose": "red"}
    assert "tax_analysis.collections.taxpayer_no" in str(verdicts["guard.purpose"].observed)


def test_volume_is_held_against_the_current_release(builder: psycopg.Connection, manifest: Path) -> None:
    candidate, _ = judged(builder, "welfare", manifest)
    release.publish(builder, candidate, "test")
    builder.execute("DELETE FROM candidate.welfare_match WHERE policy_code = 'P07'")
    _, verdicts = judged(builder, "welfare", manifest)
    assert not_green(verdicts) == {"guard.volume": "red"}
    assert verdicts["guard.volume"].observed["products"]["welfare_match"] == {"rows": 2, "rows_released": 3}
    builder.execute(CANDIDATES)
    builder.execute(
        "INSERT INTO core.dim_resident SELECT 'N' || i, 'N', false, NULL FROM generate_series(1, 9) i;"
        "INSERT INTO candidate.welfare_match SELECT 'N' || i, 'P08', 'C1', 'not_eligible', 'young', '{}', false,"
        " 'not_due', NULL, 'P08-1', '{\"rules\": [], \"records\": []}', '2026-06-30' FROM generate_series(1, 9) i"
    )
    assert not_green(judged(builder, "welfare", manifest)[1]) == {"guard.volume": "red"}
    # The same rise is explained when an input that the release had to do without is back.
    builder.execute(
        "INSERT INTO control.verdict (family, candidate_id, check_name, state, rows_checked, observed) VALUES"
        " ('welfare', (SELECT r.candidate_id FROM control.release r JOIN control.release_pointer p USING (release_id)"
        "   WHERE p.family = 'welfare'), 'guard.inputs', 'green', 1, %s)",
        ['{"states": {"household_registry.residents": "failed"}}'],
    )
    _, verdicts = judged(builder, "welfare", manifest)
    assert not_green(verdicts) == {}
    assert verdicts["guard.volume"].observed["recovered_inputs"] == ["household_registry.residents"]
    builder.execute("DELETE FROM core.dim_resident WHERE resident_key LIKE 'N%'")


def test_an_input_that_breaks_its_contract_is_red(builder: psycopg.Connection, manifest: Path) -> None:
    stream = stream_of("fire_119", "incidents")
    with connect("loader") as loader:
        load = commit_load(loader, stream)
        loader.execute("UPDATE landing.fire_119__incidents SET vehicles = 5000, _from_load = %s", [load])
    _, verdicts = judged(builder, "safety", manifest)
    with connect("loader") as loader:
        loader.execute("UPDATE landing.fire_119__incidents SET vehicles = 1")
        commit_load(loader, stream)
    assert not_green(verdicts) == {"guard.inputs": "red"}
    assert verdicts["guard.inputs"].observed["failed"] == ["gx.fire_119.incidents.vehicles.range"]
    assert not_green(judged(builder, "safety", manifest)[1]) == {}


def test_what_no_run_of_resolution_has_seen_holds_the_family_back(builder: psycopg.Connection, manifest: Path) -> None:
    """A build by hand that leaves resolution out: records of nobody would be left out without a word."""
    members = stream_of("minimum_living", "members")
    with connect("loader") as loader:
        seen = commit_load(loader, members)

    def resolved(load: int, kind: str = "residents") -> None:
        inputs = {"minimum_living.members": load, "code": "x"}
        builder.execute(
            "INSERT INTO resolution.run (kind, records_in, finished_at, detail) VALUES (%s, 9, now(), %s)",
            [kind, Jsonb({"inputs": inputs})],
        )

    def judge(family: str) -> dict[str, Verdict]:
        return judged(builder, family, manifest, linked={"residents": ["minimum_living.members"]})[1]

    try:
        never = {"guard.resolution": "red"}
        assert not_green(judge("welfare")) == never, "no run of this kind was ever done"
        resolved(seen, "premises")
        assert not_green(judge("welfare")) == never, "another kind's run is none of it"
        resolved(seen)
        assert not_green(judge("welfare")) == {}
        with connect("loader") as loader:
            later = commit_load(loader, members)
        verdicts = judge("welfare")
        assert not_green(verdicts) == {"guard.resolution": "red"}
        assert verdicts["guard.resolution"].observed["behind"] == ["residents: minimum_living.members"]
        assert not_green(judge("safety")) == {}, "it does not read them"
        resolved(later)
        assert not_green(judge("welfare")) == {}
    finally:
        with connect("owner") as owner:
            owner.execute("DELETE FROM resolution.run")


def test_a_dead_input_is_told_and_stops_nothing_unless_it_is_the_base(
    builder: psycopg.Connection, manifest: Path
) -> None:
    with connect("owner") as owner:
        loads = "UPDATE control.load SET state = %s WHERE (system, stream) = (%s, %s) AND state = %s"
        owner.execute(loads, ["failed", "fire_119", "incidents", "committed"])
    _, verdicts = judged(builder, "safety", manifest)
    assert not_green(verdicts) == {}
    assert verdicts["guard.inputs"].observed["states"]["fire_119.incidents"] == "missing"
    with connect("owner") as owner:
        owner.execute(loads, ["committed", "fire_119", "incidents", "failed"])
        owner.execute(loads, ["failed", "safety_inspection", "premises", "committed"])
    _, verdicts = judged(builder, "safety", manifest)
    with connect("owner") as owner:
        owner.execute(loads, ["committed", "safety_inspection", "premises", "failed"])
    assert not_green(verdicts) == {"guard.inputs": "red"}
    assert verdicts["guard.inputs"].observed["never_landed"] == ["safety_inspection.premises"]


def test_contract_checks_find_what_is_wrong_and_show_no_value(gate_database: str, tmp_path: Path) -> None:
    stream = stream_of("household_registry", "residents")
    assert [r.name for r in by_contract(stream) if not r.passed] == []
    wrong = {
        "resident_id": (f"{CANARY}9", "resident_id.format"), "name": (None, "name.given"), "sex": ("男", "sex.code"),
        "ethnic_group": ("han", "ethnic_group.format"), "phone": ("12345", "phone.format"),
        "state": ("gone", "state.code"), "birth_date": (date(1700, 1, 1), "birth_date.plausible"),
        "updated_at": ("2030-01-01", "updated_at.not_in_future"),
    }  # fmt: skip
    with connect("loader") as loader:
        landed = {"_from_load": commit_load(loader, stream)}
        for column, value in landed.items() | {column: value for column, (value, _) in wrong.items()}.items():
            loader.execute(
                sql.SQL("UPDATE landing.household_registry__residents SET {} = %s").format(sql.Identifier(column)),
                [value],
            )
    results = {result.name: result for result in by_contract(stream)}
    failed = {name.removeprefix("gx.household_registry.residents.") for name, r in results.items() if not r.passed}
    assert failed == {check for _, check in wrong.values()}
    found = results["gx.household_registry.residents.resident_id.format"]
    assert (found.rows_checked, found.observed["observed_value"]) == (1, 1)
    assert {r.severity for n, r in results.items() if n.endswith(("plausible", "future"))} == {"warn"}
    site = docs.build(tmp_path / "site")
    kept = [*record.folder().glob("*.json"), *site.parent.rglob("*.html")]
    assert len(kept) > 3
    for path in kept:
        assert CANARY not in path.read_text(encoding="utf-8"), path
    assert CANARY not in str(results)
    with connect("loader") as loader:
        loader.execute("TRUNCATE landing.household_registry__residents")
        land(loader, stream)


def test_a_superseded_version_is_not_judged_and_a_second_current_one_is(gate_database: str) -> None:
    stream = stream_of("pension", "pensioners")
    with connect("loader") as loader:
        columns = [column.name for column in stream.columns]
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        again = sql.SQL(
            "INSERT INTO landing.pension__pensioners ({names}, _key, _hash, _from_load, _to_load)"
            " SELECT {names}, gen_random_uuid(), _hash, %s, %s FROM landing.pension__pensioners LIMIT 1"
        ).format(names=names)
        load = commit_load(loader, stream)
        loader.execute(again, [load, load])
    assert all(result.passed for result in by_contract(stream))
    with connect("loader") as loader:
        loader.execute(again, [commit_load(loader, stream), None])
    failed = [result.name for result in by_contract(stream) if not result.passed]
    assert failed == ["gx.pension.pensioners.key.once"]
    with connect("loader") as loader:
        loader.execute("TRUNCATE landing.pension__pensioners")
        land(loader, stream)


def test_an_empty_register_and_one_that_never_landed_do_not_pass(gate_database: str) -> None:
    never = by_contract(stream_of("video_index", "devices"))
    assert [(result.name, result.passed) for result in never] == [("gx.video_index.devices.load.committed", False)]
    stream = stream_of("video_index", "devices")
    with connect("loader") as loader:
        commit_load(loader, stream)
    empty = by_contract(stream)
    assert [(result.name, result.passed) for result in empty] == [("gx.video_index.devices.rows.present", False)]


def test_the_data_docs_fetch_nothing_from_elsewhere(builder: psycopg.Connection, tmp_path: Path) -> None:
    great.validate("candidate", "grid_risk", SUITES["grid_risk"], role="builder")
    index = docs.build(tmp_path / "site")
    pages = list(index.parent.rglob("*.html"))
    assert any("grid_risk" in path.as_posix() and "validations" in path.as_posix() for path in pages)
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "url('http" not in text and 'src="http' not in text and 'href="http' not in text, page
    met = len(SUITES["grid_risk"])
    assert f"{met} of {met} met" in index.read_text(encoding="utf-8")


def test_the_guards_are_those_that_are_required() -> None:
    assert all(set(guards.GUARDS) < set(gate.required_checks(family)) for family in FAMILIES.values())
    assert isinstance(SUITES["grid_risk"][0], Check)


def test_the_gate_judges_what_its_candidate_was_built_from(
    gate_database: str, builder: psycopg.Connection, manifest: Path
) -> None:
    """A load that is committed while a build runs is judged by the next gate: bad rows of it, and mended ones."""
    stream = stream_of("pension", "pensioners")
    table = sql.Identifier(stream.landing_schema, stream.landing_table)

    def landed(how: str) -> None:
        """The record again, as a load closes the version before it: twice and with a wrong number, or mended."""
        with connect("loader") as loader:
            commit_load(loader, stream)
            row = loader.execute(
                "SELECT max(load_id) FROM control.load WHERE (system, stream) = ('pension', 'pensioners')"
            ).fetchone()
            assert row is not None
            loader.execute(sql.SQL("UPDATE {} SET _to_load = %s WHERE _to_load IS NULL").format(table), row)
            names = sql.SQL(", ").join(sql.Identifier(column.name) for column in stream.columns)
            again = sql.SQL(
                "INSERT INTO {table} ({names}, _key, _hash, _from_load)"
                " SELECT {names}, gen_random_uuid(), _hash, %s FROM {table}"
                " WHERE _to_load = %s ORDER BY _from_load DESC LIMIT 1"
            ).format(table=table, names=names)
            for _ in range(2 if how == "wrong" else 1):
                loader.execute(again, [row[0], row[0]])
            if how == "wrong":
                loader.execute(sql.SQL("UPDATE {} SET resident_id = 'X' WHERE _to_load IS NULL").format(table))
            else:
                loader.execute(
                    sql.SQL("UPDATE {} SET resident_id = %s WHERE _to_load IS NULL").format(table),
                    [gate_cases.sample(next(column for column in stream.columns if column.name == "resident_id"))],
                )

    def begun() -> None:
        with connect("builder") as connection:
            build_inputs.fix(connection)

    def answer(*, as_built: bool) -> list[str]:
        results = by_contract(stream, as_built=as_built)
        return [result.name for result in results if not result.passed]

    wrong = ["gx.pension.pensioners.key.once", "gx.pension.pensioners.resident_id.format"]
    try:
        begun()
        landed("wrong")
        assert answer(as_built=True) == [], "the build reads none of it"
        assert answer(as_built=False) == wrong
        _, verdicts = judged(builder, "welfare", manifest)
        assert verdicts["guard.inputs"].state == "green"
        begun()
        landed("mended")
        assert answer(as_built=False) == []
        assert answer(as_built=True) == wrong, "what was mended since is in the candidate"
        _, verdicts = judged(builder, "welfare", manifest)
        assert verdicts["guard.inputs"].observed["failed"] == wrong
    finally:
        with connect("builder") as connection:
            build_inputs.lift(connection)
        with connect("loader") as loader:
            loader.execute(sql.SQL("TRUNCATE {}").format(table))
            land(loader, stream)


def test_an_answer_about_rows_that_changed_meanwhile_is_not_kept(
    gate_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = stream_of("pension", "pensioners")
    validate = great.validate

    def overtaken(*given: Any, **named: Any) -> list[Outcome]:
        with connect("loader") as loader:
            commit_load(loader, stream)
        return validate(*given, **named)

    def kept() -> list[Any]:
        with connect("builder") as connection:
            return connection.execute(
                "SELECT load_id FROM control.contract_check WHERE (system, stream) = ('pension', 'pensioners')"
            ).fetchall()

    with connect("loader") as loader:
        commit_load(loader, stream)
    before = kept()
    with monkeypatch.context() as patch:
        patch.setattr(great, "validate", overtaken)
        assert all(result.passed for result in by_contract(stream))
    assert kept() == before
    by_contract(stream)
    assert kept() != before
