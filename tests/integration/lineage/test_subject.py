"""`townhub subject export`: everything of one resident, nothing of another, in a file that only its maker can read."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.output import CommandError
from quality import subject
from tests.integration.lineage.conftest import KEY, MAN, NEIGHBOUR, OLD, OTHER, PERSONAL, PREMISES, Town
from warehouse import audit
from warehouse.connection import connect

WHY = ("--reason", "request 17", "--requested-by", "herself", "--by", "li")


def export(file: Path, key: str = KEY) -> Any:
    done = CliRunner().invoke(app, ["subject", "export", key, "--to", str(file), *WHY])
    assert not any(value in done.output for value in PERSONAL), "personal data in the terminal"
    if done.exception is not None:
        raise done.exception
    return json.loads(file.read_text(encoding="utf-8"))


def streams(documents: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return {f"{each['system']}.{each['stream']}": each["rows"] for each in documents}


def hold(town: Town, system: str, stream: str, key: str, payload: dict[str, str]) -> None:
    town.ask(
        "INSERT INTO quarantine.row (system, stream, load_id, record_key, payload_text, payload_digest, reasons)"
        " VALUES (%s, %s, 1, %s, %s, sha256(%s), '{name:missing}') RETURNING 1",
        *(system, stream, key, json.dumps(payload), json.dumps(payload).encode()),
    )


def test_landed_rows_stand_with_their_history_and_what_they_serve(town: Town, tmp_path: Path) -> None:
    load = town.load("household_registry", "residents")
    town.land("household_registry", "residents", load, {"person_no": "RY0001"}, person_no="RY0001", resident_id=MAN,
              name="张伟", community_code="C2")  # fmt: skip
    found = export(tmp_path / "answer.json")
    records = streams(found["records"])
    assert set(records) == {"household_registry.residents", "welfare_payment.payments"}
    versions = records["household_registry.residents"]
    assert [(row["values"]["community_code"], row["state"]) for row in versions] == [
        ("C1", "closed"),
        ("C2", "current"),
    ]
    assert (versions[0]["closed_by_load"], versions[1]["load"]) == (load, load) and versions[0]["landed"]
    assert versions[0]["values"]["phone"] == "13857106602", "in full: it is their own"
    payments = next(each for each in found["records"] if each["system"] == "welfare_payment")
    assert (payments["owner"], payments["legal_basis"], payments["purposes"], payments["retention_days"]) == (
        "镇民政办", "zj-public-data-2022", ["welfare_delivery"], 3650,
    )  # fmt: skip
    assert payments["columns"]["account_no"] == {
        "classification": "L4", "sensitive": True, "purposes": ["welfare_delivery"], "as_the_source_calls_it": "yhzh",
    }  # fmt: skip
    assert {row["record_key"] for row in payments["rows"]} == {"ZF0001", "ZF0002"}


def test_rows_that_only_carry_the_number_stand_apart(town: Town, tmp_path: Path) -> None:
    found = export(tmp_path / "answer.json")
    apart = streams(found["rows_that_carry_the_identity_number"])
    assert set(apart) == {"elder_door_sensor.devices", "elder_door_sensor.readings"}
    assert [row["values"]["event"] for row in apart["elder_door_sensor.readings"]] == ["open"]
    # Whose number is it? Two different ones are nobody's.
    town.land("welfare_payment", "payments", 6, {"payment_no": "ZF0002"}, payment_no="ZF0002", resident_id=OTHER)
    doubtful = export(tmp_path / "doubtful.json")
    assert doubtful["rows_that_carry_the_identity_number"] == [] and doubtful["identity_numbers_looked_for"] == 0


def test_products_identity_and_what_waits_are_in_it(town: Town, tmp_path: Path) -> None:
    hold(town, "household_registry", "residents", "RY0001", {"xm": "张伟"})
    hold(town, "welfare_payment", "payments", "ZF0009", {"sfzh": MAN})
    hold(town, "household_registry", "residents", "RY0002", {"xm": "李娜"})
    hold(town, "health_code", "lookups", "RY0001", {"sfzh": MAN})
    with connect("builder") as conn:
        conn.execute(
            "INSERT INTO resolution.decision (kind, a_system, a_stream, a_record_key, b_system, b_stream, b_record_key,"
            " verdict, decided_by, reason) VALUES ('resident', 'household_registry', 'residents', 'RY0001',"
            " 'welfare_payment', 'payments', 'ZF0003', 'cannot_link', 'wang', 'asked')"
        )
        conn.execute(
            "INSERT INTO resolution.event (kind, type, from_key, to_key) VALUES ('resident', 'split', %s, %s)",
            [KEY, NEIGHBOUR],
        )
        conn.execute(
            "INSERT INTO resolution.review (kind, record, reason) VALUES ('resident', jsonb_build_object("
            "'system', 'welfare_payment', 'stream', 'payments', 'record_key', 'ZF0001'), 'another name')"
        )
    found = export(tmp_path / "answer.json")
    (product,) = found["released"]
    assert (product["product"], product["shown_to"]) == ("welfare_match", ["townhub_app_welfare"])
    assert [(row["row"]["policy_code"], row["from_release"], row["until"]) for row in product["rows"]] == [
        ("P08", 2, None)
    ]
    assert found["earlier_keys"] == [OLD] and found["made_of_them_in_core"][0]["rows"][0]["name"] == "张伟"
    assert len(found["identity"]["links"]) == 3
    (decision,) = found["identity"]["decisions"]
    assert (decision["decided_by"], decision["a"], decision["b"]) == (
        "wang", "household_registry/residents/RY0001", "welfare_payment/payments/another resident's",
    )  # fmt: skip
    assert [each["to_key"] for each in found["identity"]["history"]] == ["another resident's"]
    assert NEIGHBOUR not in (tmp_path / "answer.json").read_text(encoding="utf-8")
    assert [each["reason"] for each in found["identity"]["reviews"]] == ["another name"]
    assert [row["record_key"] for row in found["held_in_quarantine"]] == ["RY0001", "ZF0009"]
    told = {each["system"]: each["told"] for each in found["isolated"]}
    assert told["health_code"].startswith("isolated: see its own procedure")


def test_nothing_of_the_neighbour_is_in_it(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "answer.json"
    export(file)
    text = file.read_text(encoding="utf-8")
    assert not any(value in text for value in (OTHER, "李娜", NEIGHBOUR, "RY0002", "ZF0003"))


def test_the_file_is_private_and_never_written_over(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "answer.json"
    previous = os.umask(0)
    try:
        export(file)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    with pytest.raises(CommandError, match="exists already"):
        export(file)
    assert file.read_bytes() == before
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(CommandError, match="exists already"):
        export(link)
    with pytest.raises(CommandError, match="cannot be written"):
        export(tmp_path / "no" / "folder.json")


def test_an_export_is_on_record_by_its_reason_and_counts(town: Town, tmp_path: Path) -> None:
    export(tmp_path / "answer.json")
    with connect() as conn:
        (entry,) = audit.entries(conn, action="subject.export")
    assert entry.actor == "li" and entry.detail == {
        "resident_key": KEY, "reason": "request 17", "requested_by": "herself", "records": 3, "versions": 3,
        "rows_by_number": 2, "released_rows": 1, "held_rows": 0, "tickets": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("RNEVER", "there is no such key. Find it with `townhub resolve one"),
        (OLD, f"this key was merged: it stands for {KEY} now"),
        ("RRETIRED", "this key was retired"),
        (PREMISES, "no resident's key"),
    ],
)
def test_a_key_of_nobody_says_what_to_do_and_leaves_no_file(town: Town, tmp_path: Path, key: str, message: str) -> None:
    with pytest.raises(subject.NoSuchSubject, match=message):
        export(tmp_path / "answer.json", key)
    assert list(tmp_path.iterdir()) == []
    with connect() as conn:
        noted = audit.entries(conn, action="subject.export", limit=1)[0]
    assert noted.detail["found"] is False and "resident_key" not in noted.detail, "the key may be anybody's number"


def test_a_reason_is_needed(town: Town, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["subject", "export", KEY, "--to", str(tmp_path / "a.json"), "--reason", " ", "--requested-by", "x"]
    )
    assert isinstance(done.exception, CommandError) and list(tmp_path.iterdir()) == []


def test_the_auditor_reaches_nothing_isolated_and_changes_nothing(town: Town) -> None:
    for statement in (
        "SELECT * FROM isolated.health_code__lookups",
        "SELECT * FROM quarantine.row",
        "SELECT * FROM released.welfare_match",
        "UPDATE resolution.membership SET entity_key = 'x'",
        "DELETE FROM landing.pension__pensioners",
        "DELETE FROM control.correction",
        "SELECT control.publish(1, 'me')",
    ):
        with connect("auditor") as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement.encode())
