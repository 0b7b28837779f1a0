"""Dated parameters: one shape of seed, one macro, and no silence where a value is missing."""

from __future__ import annotations

import csv
import re
from datetime import date, timedelta
from pathlib import Path

import jinja2
import psycopg
import pytest

from connectors.contract_folder import load_contracts

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
SEEDS = ("care_parameters", "event_parameters", "policy_parameters", "product_parameters", "risk_weights")
SHAPE = ["subject", "item", "band_from", "band_to", "value", "unit", "valid_from", "valid_to", "version", "note"]
FOR_EVER = date(9999, 12, 31)
SINCE = dict.fromkeys(SEEDS, date(2020, 1, 1)) | {"risk_weights": date(2026, 6, 1)}
"""From when on the models of today have all they ask for. The score had fewer rules before June 2026: a build for an
older day ends with the missing weight's name, where it used to reckon without a cap."""


def rows(seed: str) -> list[dict[str, str]]:
    with (PROJECT / "seeds" / f"{seed}.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def asked_for() -> set[tuple[str, str, str]]:
    """(seed, subject, item) of every call of the macro in the models."""
    found = set()
    for path in (PROJECT / "models").rglob("*.sql"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"\bparameter\('(\w+)', '(\w+)', '(\w+)'\)", text))
        for policy in re.findall(r"approval_rule\('(\w+)'", text):
            found.add(("policy_parameters", policy, "contact_days"))
    return found


def in_every_year(seed: str, subject: str, item: str) -> bool:
    """The item has a value on each day since then, without a gap and without an end."""
    spans = sorted(
        (date.fromisoformat(row["valid_from"]), date.fromisoformat(row["valid_to"]))
        for row in rows(seed)
        if (row["subject"], row["item"]) == (subject, item) and row["value"]
    )
    day = SINCE[seed]
    for begin, end in spans:
        if end < day:
            continue
        if begin > day:
            return False
        if end == FOR_EVER:
            return True
        day = end + timedelta(days=1)
    return False


@pytest.mark.parametrize("seed", SEEDS)
def test_the_seeds_have_one_shape(seed: str) -> None:
    assert list(rows(seed)[0]) == SHAPE


def test_whatever_a_model_asks_for_has_a_value_on_every_day() -> None:
    asked = asked_for()
    assert {seed for seed, _, _ in asked} == set(SEEDS) and len(asked) > 70
    assert {call for call in asked if not in_every_year(*call)} == set()


@pytest.mark.parametrize(
    ("subject", "stream", "column"), [("category", "premises", "category"), ("open_hazard", "hazards", "severity")]
)
def test_every_code_that_is_weighed_has_its_weight(subject: str, stream: str, column: str) -> None:
    """These are joined: a code without a weight would leave no trace in the score."""
    columns = {c.name: c for c in load_contracts()["safety_inspection"].streams[stream].columns}
    codes = set((columns[column].codes or {}).values())
    assert codes and {code for code in codes if not in_every_year("risk_weights", subject, code)} == set()


def rendered(call: str) -> str:
    """The SQL of a call of the macro on 30 June 2026, over a table `parameters`."""
    macros = (PROJECT / "macros" / "dated.sql").read_text(encoding="utf-8")
    text = jinja2.Environment().from_string(macros + "select " + call)
    return text.render(as_of=lambda: "date '2026-06-30'", ref=lambda name: name).strip()


@pytest.fixture
def parameters(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute(
        "CREATE TEMP TABLE risk_weights (subject text, item text, value numeric, valid_from date, valid_to date);"
        "INSERT INTO risk_weights VALUES ('hazard', 'cap', 30, '2020-01-01', '9999-12-31'),"
        " ('hazard', 'each', 3, '2020-01-01', '2026-06-29'), ('hazard', 'half', NULL, '2020-01-01', '9999-12-31'),"
        " ('hazard', 'twice', 1, '2020-01-01', '9999-12-31'), ('hazard', 'twice', 2, '2026-01-01', '9999-12-31')"
    )
    return conn


def test_a_value_in_force_is_given(parameters: psycopg.Connection) -> None:
    sql = rendered("least(100, {{ parameter('risk_weights', 'hazard', 'cap') }})")
    assert parameters.execute(sql.encode()).fetchone() == (30,)


@pytest.mark.parametrize("item", ["missing", "each", "half", "twice"])
def test_a_cap_that_is_missing_ends_the_query_and_says_which(parameters: psycopg.Connection, item: str) -> None:
    """Never stated, ended yesterday, empty, stated twice: least() passes over a null, and nothing would be capped."""
    sql = rendered(f"least(100, {{{{ parameter('risk_weights', 'hazard', '{item}') }}}})")
    with pytest.raises(psycopg.DataError, match=rf"risk_weights hazard\.{item}: [02] values in force on 2026-06-30"):
        parameters.execute(sql.encode())
