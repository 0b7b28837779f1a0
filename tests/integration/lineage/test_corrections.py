"""Correction tickets: opened about a landed field, moved in order, told when the source changed, counted by owner."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from typer.testing import CliRunner

from connectors import retention, scorecard
from connectors.contract_folder import load_contracts
from orchestration.cli import app
from quality import corrections
from quality.corrections import CorrectionError
from tests.integration.lineage.conftest import MAN, PERSONAL, Town
from warehouse import audit
from warehouse.connection import connect

RECORD = ("household_registry", "residents", "RY0001")
CLAIM = "张伟 moved to 文三路1号 in March"
TODAY = datetime.now(ZoneInfo("Asia/Shanghai")).date()


def run(*arguments: str, code: int = 0, stdin: str | None = None) -> str:
    done = CliRunner().invoke(app, ["correction", *arguments], input=stdin)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.output


def document(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def opened(town: Town, field: str = "community_code", today: date = TODAY, record: Any = RECORD) -> int:
    with connect("auditor") as conn:
        return corrections.open_ticket(conn, load_contracts(), record, field, CLAIM, by="li", today=today)


def source(town: Town, number: int) -> str:
    (row,) = (row for row in document("list") if row["ticket"] == number)
    return str(row["source"])


def test_a_ticket_from_open_to_closed(town: Town) -> None:
    said = run("open", "/".join(RECORD), "community_code", "--claim", "-", "--by", "li", stdin=CLAIM)
    due = TODAY + timedelta(days=corrections.term("区公安分局户政科"))
    assert said == f"ticket 1 is open; 区公安分局户政科 should have answered by {due}\n"
    (line,) = document("list")
    assert (line["state"], line["source"], line["overdue"]) == ("open", "unchanged", False)
    assert line["record"] == "household_registry/residents/••• (6 characters)"
    listed = run("list")
    assert "RY0001" not in listed and not any(value in listed for value in PERSONAL)
    run("mark", "1", "sent", "--note", "by the unified channel", "--by", "li")
    run("mark", "1", "answered", "--by", "wang")
    run("mark", "1", "sent", "--note", "they looked at another", "--by", "wang")
    run("close", "1", "--outcome", "refused", "--note", "the register is right", "--by", "wang")
    shown = document("show", "1")
    assert [step["state"] for step in shown["history"]] == ["open", "sent", "answered", "sent", "closed"]
    assert (shown["outcome"], shown["claim"], shown["value now"]) == ("refused", CLAIM, "C1")
    assert document("list") == [] and [row["ticket"] for row in document("list", "--all")] == [1]
    assert document("list", "--all", "--owner", "镇民政办") == []
    assert run("list") == "no ticket waits\n"


def test_a_ticket_says_what_the_source_did_since(town: Town) -> None:
    community, phone = opened(town), opened(town, "phone")
    load = town.load("household_registry", "residents")
    man = {"person_no": "RY0001", "resident_id": MAN, "name": "张伟", "phone": "13857106602"}
    town.land("household_registry", "residents", load, {"person_no": "RY0001"}, **man, community_code="C2")
    assert source(town, community) == "the source has changed it"
    assert source(town, phone) == "the source has changed the record, but not this field"
    assert document("show", str(phone))["value now"] == "••• (11 characters)"
    town.land("household_registry", "residents", town.load("household_registry", "residents"), {"person_no": "RY0001"})
    assert source(town, community) == "the source does not hold the record any more"


@pytest.mark.parametrize(
    ("record", "field", "message"),
    [
        (("nowhere", "x", "1"), "y", "there is no stream nowhere.x"),
        (("household_registry", "residents", "RY0404"), "phone", "no record of that key is current"),
        (RECORD, "xm", "its fields are person_no"),
        (("health_code", "lookups", "1"), "colour", "isolated: it has a procedure of its own"),
    ],
)
def test_what_no_ticket_can_be_about(town: Town, record: tuple[str, str, str], field: str, message: str) -> None:
    with pytest.raises(CorrectionError, match=message):
        opened(town, field, record=record)


def test_states_follow_one_another_and_history_is_not_rewritten(town: Town) -> None:
    number = opened(town)
    with pytest.raises(CorrectionError, match="is open, and cannot become answered"):
        run("mark", str(number), "answered")
    with pytest.raises(CorrectionError, match="mark a ticket as sent or answered"):
        run("mark", str(number), "closed")
    with pytest.raises(CorrectionError, match=r"outcome \(corrected, refused, withdrawn\)"):
        run("close", str(number), "--outcome", "done", "--note", "x")
    with pytest.raises(CorrectionError, match="there is no ticket 404"):
        run("mark", "404", "sent")
    run("close", str(number), "--outcome", "withdrawn", "--note", "asked again")
    with pytest.raises(CorrectionError, match="is closed, and cannot become sent"):
        run("mark", str(number), "sent")
    for statement in ("UPDATE control.correction SET claim = 'x'", "UPDATE control.correction_step SET note = 'x'"):
        with connect("owner") as conn, pytest.raises(psycopg.errors.InsufficientPrivilege, match="is not changed"):
            conn.execute(statement.encode())


def test_claims_stay_out_of_the_audit_chain(town: Town) -> None:
    number = opened(town)
    run("close", str(number), "--outcome", "corrected", "--note", CLAIM, "--by", "li")
    with connect() as conn:
        noted = [entry for entry in audit.entries(conn) if entry.action.startswith("correction.")]
    assert [entry.action for entry in noted] == ["correction.closed", "correction.open"]
    assert noted[1].detail == {"correction": number, "system": "household_registry", "stream": "residents",
                               "field": "community_code"}  # fmt: skip
    assert not any(value in repr(noted) for value in (*PERSONAL, "RY0001"))


def test_the_scorecard_counts_open_and_overdue_tickets_of_each_owner(town: Town) -> None:
    opened(town)
    opened(town, "phone", TODAY - timedelta(days=60))
    done = opened(town, "name", TODAY - timedelta(days=60))
    run("close", str(done), "--outcome", "corrected", "--note", "yes")
    opened(town, "amount", record=("welfare_payment", "payments", "ZF0001"))
    load = town.load("household_registry", "residents")
    town.ask(
        "INSERT INTO control.defect VALUES (%s, 'household_registry', 'residents', 'phone', 'invalid_phone',"
        " 'withheld', 3) RETURNING 1",
        load,
    )
    with connect("loader") as conn:
        rows = scorecard.scorecard(conn, TODAY)
        assert [row["owner"] for row in scorecard.scorecard(conn, TODAY, owner="镇民政办")] == ["镇民政办"]
    found = {row["owner"]: (row["defects"], row["corrections_open"], row["corrections_overdue"]) for row in rows}
    assert found == {"区公安分局户政科": (3, 2, 1), "镇民政办": (0, 1, 0)}
    assert len({tuple(row) for row in rows}) == 1, "one table"
    assert rows[1]["remedy"] == "answer them: townhub correction list --owner 镇民政办"


def test_closed_tickets_go_with_the_retention_of_their_stream(town: Town) -> None:
    closed, waiting = opened(town), opened(town, "phone")
    run("close", str(closed), "--outcome", "corrected", "--note", "yes")
    with connect("loader") as conn:
        retention.purge(conn, load_contracts(), TODAY + timedelta(days=36500))
    assert [row[0] for row in town.ask("SELECT correction_id FROM control.correction")] == [waiting]
    assert town.ask("SELECT count(*) FROM control.correction_step") == [(1,)]


def test_an_owners_own_term_counts(tmp_path: Path) -> None:
    file = tmp_path / "corrections.yml"
    file.write_text("default_days: 15\nowners: {公安: 5}\n", encoding="utf-8")
    assert (corrections.term("公安", file), corrections.term("民政", file)) == (5, 15)
