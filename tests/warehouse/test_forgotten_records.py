"""What was purged leaves no person's number behind, in no table: the ledger's keys of such records are pseudonyms."""

from __future__ import annotations

from datetime import date

import polars as pl
import psycopg
import pytest
from psycopg import sql

from connectors import retention
from connectors.contract_folder import load_contracts
from connectors.copy_binary import hash_bytes
from connectors.tables import ensure_tables
from connectors.versions import key_hashes
from resolution.decisions import Record, decide
from tests.integration.gate_cases import land, stream_of
from warehouse import build_inputs
from warehouse.connection import connect

CONTRACTS = load_contracts()
GONE, STAYS = "330106194912310022", "330106199003040026"
ACCOUNT = "|6299000000000000018"
RECORDS = (("payee_account", "accounts", GONE + ACCOUNT), ("payee_account", "accounts", STAYS + ACCOUNT),
           ("disability_certificate", "certificates", GONE + "43"))  # fmt: skip


def holding(url: str, number: str) -> set[str]:
    """Tables of ours with a row that holds the text."""
    with psycopg.connect(url) as conn:
        tables = conn.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"
        ).fetchall()
        query = "SELECT EXISTS (SELECT FROM {} AS t WHERE strpos(to_jsonb(t)::text, %s) > 0)"
        return {
            ".".join(name)
            for name in tables
            if conn.execute(sql.SQL(query).format(sql.Identifier(*name)), [number]).fetchone() == (True,)
        }


@pytest.fixture
def ledger(fresh_database: str) -> str:
    """Two accounts and a certificate, landed and joined, with a decision and a doubt about them."""
    with connect("loader") as loader:
        ensure_tables(loader, CONTRACTS)
        for system, name, key in RECORDS:
            stream = stream_of(system, name)
            said = {"certificate_no": key}
            if system == "payee_account":
                said = {"resident_id": key[:18]}
            land(loader, stream, **said)
            column = next(iter(said))
            loader.execute(
                sql.SQL("UPDATE {} SET _key = %s WHERE {} = %s").format(
                    sql.Identifier(stream.landing_schema, stream.landing_table), sql.Identifier(column)
                ),
                [hash_bytes(key_hashes(pl.Series([key])))[0].hex(), said[column]],
            )
        # The certificate and one of the accounts ended long ago.
        loader.execute("UPDATE control.load SET finished_at = '2010-01-01' WHERE system = 'disability_certificate'")
        long_ago = "(SELECT load_id FROM control.load WHERE system = 'disability_certificate')"
        for table, who in (
            ("disability_certificate__certificates", "true"),
            ("payee_account__accounts", "resident_id = %s"),
        ):
            loader.execute(
                f"UPDATE landing.{table} SET _to_load = {long_ago} WHERE {who}".encode(), [GONE][: who.count("%s")]
            )
        loader.commit()
    with psycopg.connect(fresh_database) as conn:
        for at, record in enumerate(RECORDS):
            conn.execute(
                "INSERT INTO resolution.membership (kind, system, stream, record_key, entity_key, link_kind, from_run)"
                " VALUES ('resident', %s, %s, %s, %s, 'single', 1)",
                [*record, f"R{at}"],
            )
            conn.execute(
                "INSERT INTO resolution.resident_record (system, stream, record_key, entity_key, link_kind, borrowed,"
                " number) VALUES (%s, %s, %s, %s, 'single', false, %s)",
                [*record, f"R{at}", record[2][:18]],
            )
            conn.execute(
                "INSERT INTO resolution.resident_block (key, loose, entity_key) VALUES (%s, false, %s)", [at, f"R{at}"]
            )
            conn.execute(
                "INSERT INTO resolution.event_record (system, stream, record_key, seen) VALUES (%s, %s, %s, 0)", record
            )
        for chain, stream in (("residents", "payee_account.accounts"), ("events", "police_110.incidents")):
            conn.execute(
                "INSERT INTO control.build_state (chain, basis, as_of, reads, loads, runs)"
                " VALUES (%s, '', '2026-06-29', %s, '{}', '{}')",
                [chain, [stream]],
            )
        conn.execute("INSERT INTO control.changed_record VALUES ('residents', %s, %s, %s)", RECORDS[0])
        conn.execute("INSERT INTO control.changed_key VALUES ('link_resident_address', %s)", [RECORDS[0][2]])
        one = "jsonb_build_object('system', %s::text, 'stream', %s::text, 'record_key', %s::text)"
        doubt = f"INSERT INTO resolution.review (kind, record, reason) VALUES ('resident', {one}, 'doubt')"
        conn.execute(doubt.encode(), RECORDS[0])
        both = f"jsonb_build_array({one}, {one})"
        two = f"INSERT INTO resolution.review (kind, pair, reason) VALUES ('resident', {both}, 'doubt')"
        conn.execute(two.encode(), [*RECORDS[2], *RECORDS[1]])
    with connect("builder") as builder:
        decide(builder, "resident", "cannot_link", Record(*RECORDS[0]), Record(*RECORDS[2]), by="li", reason="two")
        builder.commit()
    return fresh_database


def test_a_purged_record_has_no_claim_to_a_key(ledger: str) -> None:
    """Nor has one that ended before it was purged, whatever its key is; one that is there keeps what it was."""
    was = (
        "INSERT INTO resolution.membership (kind, system, stream, record_key, entity_key, link_kind, from_run, to_run)"
        " VALUES ('resident', 'payee_account', 'accounts', %s, %s, 'single', 1, 2)"
    )
    with psycopg.connect(ledger) as conn:
        conn.execute(was, ["P0017", "R8"])
        conn.execute(was, [STAYS + ACCOUNT, "R9"])
    with connect("loader") as loader:
        retention.purge(loader, CONTRACTS, date(2026, 6, 30))
    with psycopg.connect(ledger) as conn:
        voided = dict(conn.execute("SELECT entity_key, voided FROM resolution.membership").fetchall())
    assert voided == {"R0": True, "R1": False, "R2": True, "R8": True, "R9": False}


def test_no_table_holds_the_number_of_a_purged_record(ledger: str) -> None:
    tables = {f"resolution.{name}" for name in ("membership", "decision", "review", "resident_record", "event_record")}
    tables |= {"control.changed_record", "control.changed_key"}
    assert tables <= holding(ledger, GONE)
    with connect("loader") as loader:
        retention.purge(loader, CONTRACTS, date(2026, 6, 30))
    assert holding(ledger, GONE) == set()
    with psycopg.connect(ledger) as conn:
        keys = dict(conn.execute("SELECT entity_key, record_key FROM resolution.membership").fetchall())
        decided = conn.execute("SELECT a_record_key, b_record_key FROM resolution.decision").fetchone()
        pair = conn.execute("SELECT pair -> 0 ->> 'record_key', pair -> 1 ->> 'record_key' FROM resolution.review"
                            " WHERE pair IS NOT NULL").fetchone()  # fmt: skip
        kept = conn.execute("SELECT entity_key FROM resolution.resident_record").fetchall()
        blocks = conn.execute("SELECT entity_key FROM resolution.resident_block").fetchall()
        events = conn.execute("SELECT record_key FROM resolution.event_record").fetchall()
    assert kept == blocks == [("R1",)], "what a run by changes reads is that of records that are there"
    assert events == [(STAYS + ACCOUNT,)]
    assert decided == (keys["R0"], keys["R2"]), "one record has one pseudonym in all tables"
    assert pair == (keys["R2"], STAYS + ACCOUNT)
    assert keys["R1"] == STAYS + ACCOUNT, "a record that is there keeps its key"


def test_what_was_built_of_what_is_deleted_is_built_anew(ledger: str) -> None:
    with connect("loader") as loader:
        retention.purge(loader, CONTRACTS, date(2026, 6, 30))
        assert loader.execute("SELECT chain FROM control.build_state").fetchall() == [("events",)]


def test_nothing_is_deleted_from_under_a_build(ledger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_inputs, "PATIENCE", "100ms")
    with connect("builder", autocommit=True) as builder, connect("loader") as loader:
        build_inputs.have_warehouse(builder)
        with pytest.raises(build_inputs.BuildBusy, match="townhub up"):
            retention.purge(loader, CONTRACTS, date(2026, 6, 30))
    assert holding(ledger, GONE) != set()


def test_nobody_else_changes_whom_a_decision_is_about(ledger: str) -> None:
    with connect("builder") as builder, pytest.raises(psycopg.errors.RaiseException, match="cannot be changed"):
        builder.execute("UPDATE resolution.decision SET a_record_key = 'forgotten-' || a_record_key")
