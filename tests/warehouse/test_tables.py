"""How a table is made, on a project of two models: a contract that a row breaks leaves everything as it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestration import dbt_connections, dbt_invocation
from tests.conftest import environment
from warehouse.connection import connect

REPOSITORY = Path(__file__).resolve().parents[2] / "dbt_project"
MODELS = {
    "amounts.sql": "select {{ var('amount') }} as amount, 'a' as label from generate_series(1, {{ var('times') }})",
    "seen.sql": "select amount from {{ ref('amounts') }}",
    "models.yml": """
models:
  - name: amounts
    config:
      materialized: table
      indexes:
        - {columns: [amount], unique: true}
    constraints:
      - {type: check, name: amounts_are_positive, expression: "(amount > 0) is true"}
    columns:
      - {name: amount, data_type: integer}
      - {name: label, data_type: text, constraints: [{type: not_null}]}
  - name: seen
    config: {materialized: view}
    columns:
      - {name: amount, data_type: integer}
""",
}

Build = Callable[..., dict[str, Any]]


@pytest.fixture
def build(fresh_database: str, tmp_path: Path) -> Iterator[Build]:
    """Build both models with these variables; node's name → dbt's result."""
    from dbt.cli.main import dbtRunner

    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    (project / "macros").mkdir()
    for macro in ("tables", "generate_schema_name"):
        shutil.copy(REPOSITORY / "macros" / f"{macro}.sql", project / "macros")
    for name, text in MODELS.items():
        (project / "models" / name).write_text(text)
    (project / "dbt_project.yml").write_text(
        "{name: small, version: 1.0.0, profile: townhub, flags: {send_anonymous_usage_stats: false},"
        " models: {small: {+schema: core, +contract: {enforced: true}}}}"
    )
    folders = [
        *("--project-dir", str(project), "--profiles-dir", str(REPOSITORY)),
        *("--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path)),
    ]

    def run(**variables: Any) -> dict[str, Any]:
        told = ["--vars", json.dumps({"amount": 1, "times": 1, **variables})]
        with dbt_invocation._connected(), dbt_connections.kept():
            done = dbtRunner().invoke(["--quiet", "--log-level", "none", "build", *told, *folders])
        assert done.exception is None, done.exception
        return {result.node.name: result for result in done.result.results}

    with environment(TOWNHUB_DBT_DBNAME=psycopg.conninfo.conninfo_to_dict(fresh_database)["dbname"]):
        yield run


def seen() -> list[int]:
    with connect("builder") as conn:
        return [amount for (amount,) in conn.execute("SELECT amount FROM core.seen")]


def test_tables_and_the_views_on_them_are_made_anew_and_belong_to_the_builder(build: Build) -> None:
    for amount in (1, 2):
        assert {str(result.status) for result in build(amount=amount).values()} == {"success"}
        assert seen() == [amount]
    with connect("builder") as conn:
        made = conn.execute(
            "SELECT relname, relowner::regrole::text, reltuples FROM pg_class"
            " WHERE relnamespace = 'core'::regnamespace AND relname IN ('amounts', 'seen', 'amounts__made') ORDER BY 1"
        ).fetchall()
    assert made == [("amounts", "townhub_builder", 1), ("seen", "townhub_builder", -1)]


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({"amount": 0}, "amounts_are_positive"),
        ({"amount": "null::integer"}, "amounts_are_positive"),
        ({"times": 2}, "amounts_amount_idx"),
    ],
)
def test_a_table_that_breaks_a_rule_is_never_there(build: Build, broken: dict[str, Any], rule: str) -> None:
    build(amount=7)
    results = build(**broken)
    assert {name: str(result.status) for name, result in results.items()} == {"amounts": "error", "seen": "skipped"}
    outcome = dbt_invocation._outcome(results["amounts"])
    assert f"a row breaks {rule}; the table stays as it was" in outcome.message and not outcome.passed
    assert "(0" not in outcome.message and "Failing row" not in outcome.message
    assert seen() == [7]


def test_columns_that_are_not_the_contracts_are_told_unless_they_are_known_to_be(build: Build) -> None:
    build(amount=7)
    assert str(build(amount="1.5")["amounts"].status) == "error"
    assert seen() == [7]
    assert str(build(amount="2.0", contracts_hold=True)["amounts"].status) == "success"
    assert seen() == [2]


def test_threads_keep_their_connections(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg2

    opened: list[object] = []
    connects = psycopg2.connect

    def counted(*args: Any, **kwargs: Any) -> Any:
        opened.append(connects(*args, **kwargs))
        return opened[-1]

    monkeypatch.setattr(psycopg2, "connect", counted)
    build()
    # One for what is done before any node, two for what dbt looks up in its threads, one for both nodes.
    assert 0 < len(opened) <= 4
    assert all(each.closed for each in opened)  # type: ignore[attr-defined]
