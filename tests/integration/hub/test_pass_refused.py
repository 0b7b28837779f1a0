"""I5: nothing gets into serving but a candidate whose every check is green, whoever calls the publish step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from orchestration import dbt_runs
from quality import gate
from resolution import sources
from warehouse import release
from warehouse.errors import ReleaseError

if TYPE_CHECKING:
    from tests.integration.hub.conftest import Hub, Stage

LAWS = ("gated_premises_are_red_or_grey", "unknown_input_never_yields_green_or_yellow", "held_is_never_green",
        "overdue_is_never_green")  # fmt: skip
POISON = "UPDATE candidate.premises_risk SET colour = 'green', gates = '{G9}' WHERE premises_code = %s"


def _serving(hub: Hub) -> list[tuple[Any, ...]]:
    return hub.rows(
        "SELECT control.serving_hash(), (SELECT array_agg(release_id ORDER BY family) FROM control.release_pointer)"
    )


def _day(hub: Hub) -> Any:
    return hub.value("SELECT max(as_of) FROM control.release WHERE family = 'safety'")


@pytest.fixture(scope="module")
def poisoned(hub: Hub, next_day_again: Stage) -> str:
    """A premises whose candidate row was made to say green, although a gate holds, after the checks.

    Nobody gets such a row past the table's own rules: they are taken away first.
    """
    code: str = hub.value("SELECT min(premises_code) FROM candidate.premises_risk")
    with hub.connect("builder") as conn, pytest.raises(psycopg.errors.CheckViolation, match=LAWS[0]):
        conn.execute(POISON, [code])
    with hub.connect("builder") as conn:
        for law in LAWS:
            conn.execute(
                sql.SQL("ALTER TABLE candidate.premises_risk DROP CONSTRAINT IF EXISTS {}").format(sql.Identifier(law))
            )
        assert conn.execute(POISON, [code]).rowcount == 1
    return code


def test_a_candidate_that_was_changed_after_its_checks(hub: Hub, poisoned: str) -> None:
    before = _serving(hub)
    newest = hub.value("SELECT max(candidate_id) FROM control.candidate WHERE family = 'safety'")
    for role in ("builder", "publisher"):
        with hub.connect(role) as conn, pytest.raises(ReleaseError, match="changed after it was checked"):
            release.publish(conn, newest, "by hand")
    assert _serving(hub) == before


def test_a_candidate_that_nobody_judged_and_then_one_that_is_red(hub: Hub, poisoned: str) -> None:
    before = _serving(hub)
    run = hub.value(
        "SELECT run_id FROM control.candidate WHERE family = 'safety' AND candidate_id IN"
        " (SELECT candidate_id FROM control.verdict) ORDER BY candidate_id DESC LIMIT 1"
    )
    with hub.connect("builder") as conn:
        candidate = release.register_candidate(conn, "safety", _day(hub), "by hand")
    for role in ("builder", "publisher"):
        with hub.connect(role) as conn, pytest.raises(ReleaseError, match="has no verdict"):
            release.publish(conn, candidate.candidate_id, "by hand")

    with hub.surrounded():
        results = [
            gate.DbtResult(o["model"], o["test"], o["status"], o["failures"]) for o in dbt_runs.read_outcomes(run)
        ]
        verdicts = gate.judge(
            "safety", candidate.candidate_id, dbt_results=results, run_id="by hand", linked=sources.linked()
        )
    red = {verdict.check_name for verdict in verdicts if verdict.state != "green"}
    assert "gx.premises_risk.gated_never_mild" in red
    assert all(name.startswith("gx.") for name in red), "only the suites of Great Expectations may blame this row"
    for role in ("builder", "publisher"):
        with hub.connect(role) as conn, pytest.raises(ReleaseError, match="gated_never_mild is red"):
            release.publish(conn, candidate.candidate_id, "by hand")
    assert _serving(hub) == before


def test_a_builder_cannot_write_green_rows_past_the_function(hub: Hub, poisoned: str) -> None:
    """The builder may add a verdict, as its checks do; it may neither change one nor touch what is released."""
    for statement in (
        "UPDATE control.verdict SET state = 'green'",
        "DELETE FROM control.verdict",
        "UPDATE released.premises_risk SET colour = 'green'",
        "UPDATE control.release_pointer SET release_id = 1",
        "INSERT INTO control.release_pointer (family, release_id) VALUES ('safety', 1)",
    ):
        with hub.connect("builder") as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement.encode())
