"""`townhub review` and `townhub resolve one` as people type them: side by side, masked by class, exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from resolution.errors import IdentityError
from resolution.runner import resolve
from tests.unit.resolution.staged import MAN, doubt, keys, known, stage
from warehouse import audit, connection

PHONE = "13857106602"
PERSONAL = (MAN, "张伟", PHONE, "1985-05-05", "6222021234567890")


@pytest.fixture
def town(fresh_database: str) -> Iterator[str]:
    stage(
        fresh_database,
        {
            "household_registry.residents": [
                {"person_no": "N1", "resident_id": MAN, "name": "张伟", "birth_date": "1985-05-05", "phone": PHONE}
            ],
            "pension.pensioners": [{"pension_no": "P1", "resident_id": MAN, "name": "张炜", "phone": PHONE}],
            "payee_account.accounts": [{"resident_id": MAN, "account_no": "6222021234567890", "name": "张伟"}],
        },
    )
    resolve("residents")
    yield fresh_database


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, (done.output, done.exception)
    assert not any(value in done.output for value in PERSONAL), "personal data in the terminal"
    return done.output


def document(*arguments: str, code: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", code=code))


def test_from_the_list_to_the_decision_and_back(town: str) -> None:
    before = keys(town)
    number = doubt(town, "payee_account", "accounts", f"{MAN}|6222021234567890")
    assert run("review", "list", "--kind", "enterprise") == "the queue is empty\n"
    (line,) = document("review", "list")
    assert (line["review"], line["record"]) == (number, "payee_account/accounts/••• (35 characters)")
    shown = document("review", "show", str(number))
    (candidate,) = shown["candidates"]
    assert (candidate["entity_key"], candidate["record"]) == (
        before["N1"],
        "household_registry/residents/••• (2 characters)",
    )
    assert candidate["same"]["name"] is True and candidate["same"]["resident_id_no"] is True
    assert candidate["fields"]["name"] == "••• (2 characters)" == shown["fields"]["name"]
    table = run("review", "show", str(number))
    assert "= ••• (2 characters)" in table and before["N1"] in table
    decided = document("review", "decide", str(number), "cannot_link", "--reason", "asked", "--by", "li")
    assert decided["decision"] is not None
    resolve("residents")
    assert len(set(keys(town).values())) == 2
    (settled,) = document("review", "list", "--decided")
    assert (settled["outcome"], settled["by"], settled["why"], settled["revoked"]) == (
        "cannot_link",
        "li",
        "asked",
        None,
    )
    assert "is revoked" in run("review", "revoke", str(decided["decision"]), "--reason", "mistaken", "--by", "wang")
    resolve("residents")
    assert len(set(keys(town).values())) == 1


def test_explain_says_what_is_known(town: str) -> None:
    key = keys(town)["N1"]
    found = document("review", "explain", key)
    assert found["resolves_to"] == key and len(found["records"]) == 3
    assert {each["link_kind"] for each in found["records"]} == {"exact"}
    assert [event["type"] for event in found["history"]] == ["create"]
    assert f"resident {key}: active" in run("review", "explain", key)


def test_who_looked_at_doubts_is_on_record(town: str) -> None:
    number = doubt(town, "pension", "pensioners", "P1")
    key = keys(town)["N1"]
    run("review", "list", "--kind", "resident", "--by", "li")
    run("review", "show", str(number), "--by", "li")
    run("review", "explain", key, "--by", "li")
    assert CliRunner().invoke(app, ["review", "explain", MAN, "--by", "li"]).exit_code == 1
    with connection.connect() as conn:
        noted = [entry for entry in reversed(audit.entries(conn)) if entry.actor == "li"]
    assert [(entry.action, entry.detail) for entry in noted] == [
        ("identity doubts listed", {"kind": "resident", "decided": False}),
        ("identity doubt shown", {"review": number}),
        ("identity explained", {"found": True, "key": key}),
        ("identity explained", {"found": False}),
    ]


def test_a_number_can_be_given_where_nobody_sees_it(town: str) -> None:
    key = keys(town)["N1"]
    known(town, (key, MAN, "张伟", "1985-05-05", PHONE))
    done = CliRunner().invoke(app, ["resolve", "one", "--id-no", "-", "--json"], input=f"{MAN}\n")
    assert json.loads(done.output)["entity_key"] == key


def test_lookup_prints_keys_and_reasons(town: str) -> None:
    key = keys(town)["N1"]
    known(town, (key, MAN, "张伟", "1985-05-05", PHONE))
    found = document("resolve", "one", "--id-no", MAN, "--name", "张伟", "--by", "li")
    assert (found["entity_key"], found["reason"]) == (key, "identity number")
    by_record = document("resolve", "one", "--system", "pension", "--stream", "pensioners", "--key", "P1")
    assert [row["entity_key"] for row in by_record["records"]] == [key]
    assert run("resolve", "key", key) == f"{key}\n"
    run("resolve", "one", "--name", "张炜", "--birth", "1985-05-05", code=1)
    run("resolve", "one", "--system", "pension", "--stream", "pensioners", "--key", "P2", code=1)
    with connection.connect() as conn:
        noted = audit.entries(conn, action="identity lookup")
    assert len(noted) == 4 and noted[-1].actor == "li"
    assert not any(value in repr(noted) for value in PERSONAL)


def test_a_retired_key_is_said_to_be(town: str) -> None:
    with psycopg.connect(town) as conn:
        conn.execute(
            "INSERT INTO resolution.entity (entity_key, kind, status, created_run, updated_run)"
            " VALUES ('ROLD', 'resident', 'retired', 1, 1)"
        )
    assert run("resolve", "key", "ROLD", code=1) == "retired\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["one"],
        ["one", "--system", "pension"],
        ["one", "--system", "pension", "--key", "P1", "--name", "x"],
        ["one", "--name", "x"],
        ["one", "--name", "x", "--birth", "5 May"],
        ["key", "RNEVER"],
    ],
)
def test_what_cannot_be_looked_up_says_why(town: str, arguments: list[str]) -> None:
    done = CliRunner().invoke(app, ["resolve", *arguments])
    assert done.exit_code == 1 and isinstance(done.exception, IdentityError), done.output
