"""What every upstream system must keep, whatever its contract: nobody writes a test to add a system."""

from __future__ import annotations

import random

import polars as pl
import psycopg
import pytest

from bench.sample import sample_page
from connectors.conform import Conformer
from connectors.contract import Contract, Stream
from connectors.contract_folder import load_contracts
from connectors.landed import commit
from connectors.landing import Lander
from connectors.semantics import SEMANTICS
from connectors.tables import ensure_tables, landing_columns, table_of
from connectors.versions import content_hashes
from warehouse import connection, ledger

CONTRACTS = load_contracts()
STREAMS = [
    pytest.param(contract, stream, id=f"{contract.id}.{stream.name}")
    for contract in CONTRACTS.values()
    for stream in contract.streams.values()
]


def conformer(contract: Contract, stream: Stream) -> Conformer:
    return Conformer(stream, contract.server_of(stream))


@pytest.mark.parametrize(("contract", "stream"), STREAMS)
def test_says_whose_it_is_and_what_it_may_serve(contract: Contract, stream: Stream) -> None:
    assert contract.owner and contract.legal_basis and contract.purposes
    assert contract.retention_days > 0 and contract.freshness_seconds >= contract.cadence_seconds
    for column in stream.columns:
        assert column.classification in {"L1", "L2", "L3", "L4"}
        assert contract.purposes_of(column)
        if column.semantic_type in {"cn.resident_id", "cn.person_name", "cn.disability_certificate"}:
            assert column.sensitive or stream.system == "market_registration"


@pytest.mark.parametrize(("contract", "stream"), STREAMS)
def test_valid_rows_are_accepted_whole(contract: Contract, stream: Stream) -> None:
    page = sample_page(contract, stream, 500)
    done = conformer(contract, stream)(page)
    assert done.rejected.to_dicts() == []
    assert len(done.accepted) == 500
    assert dict(done.outcomes) == {}
    assert set(done.accepted.columns) == set(landing_columns(stream))


@pytest.mark.parametrize(("contract", "stream"), STREAMS)
def test_every_spoiled_row_is_rejected_or_withheld_and_none_is_lost(contract: Contract, stream: Stream) -> None:
    page = sample_page(contract, stream, 60)
    dice = random.Random(7)
    rows = page.to_dicts()
    spoils = ["\x00bad", "\ufffd锟斤", "1.23E+19", "2026-02-30", "=cmd|' /C calc'!A0", "９９", "x" * 40, None, ""]
    for row in rows[::2]:
        row[dice.choice(page.columns)] = dice.choice(spoils)
    spoiled = pl.DataFrame(rows, schema=page.schema)
    done = conformer(contract, stream)(spoiled)
    assert len(done.accepted) + len(done.rejected) == 60
    assert all(len(reasons) for reasons in done.rejected["reasons"])
    for column in done.accepted.get_columns():
        if column.dtype == pl.String and not column.name.endswith("_raw"):
            assert not column.str.contains("\x00", literal=True).any()
            assert not column.str.contains("\ufffd", literal=True).any()


@pytest.mark.parametrize(("contract", "stream"), STREAMS)
def test_a_missing_column_stops_the_stream_and_an_added_one_does_not(contract: Contract, stream: Stream) -> None:
    from connectors.errors import ContractViolation

    page = sample_page(contract, stream, 5)
    assert len(conformer(contract, stream)(page.with_columns(brand_new=pl.lit("x"))).accepted) == 5
    with pytest.raises(ContractViolation, match=r"no longer sends"):
        conformer(contract, stream)(page.drop(stream.columns[-1].physical_name))


@pytest.mark.parametrize(("contract", "stream"), STREAMS)
def test_content_hash_does_not_hang_on_order_or_page(contract: Contract, stream: Stream) -> None:
    page = sample_page(contract, stream, 100)
    accepted = conformer(contract, stream)(page).accepted
    whole = content_hashes(accepted, stream)
    backwards = content_hashes(accepted.reverse(), stream)[::-1]
    assert (whole == backwards).all()
    assert len({row.tobytes() for row in whole}) > 1


def test_landing_tables_of_all_contracts_take_a_load_and_know_it_again(fresh_database: str) -> None:
    with connection.connect("loader") as conn:
        ensure_tables(conn, CONTRACTS)
        ensure_tables(conn, CONTRACTS)
    for contract in CONTRACTS.values():
        for stream in contract.streams.values():
            first, second = (_land(contract, stream, sample_page(contract, stream, 300)) for _ in range(2))
            distinct = _distinct_keys(contract, stream, 300)
            assert (first.rows_in, first.landed + first.unchanged + first.quarantined) == (300, 300)
            assert first.landed >= distinct
            assert (second.landed, second.tombstoned) == (0, 0), f"{stream.system}.{stream.name}"
            with connection.connect("loader") as conn:
                assert _current(conn, stream) == distinct


def _land(contract: Contract, stream: Stream, page: pl.DataFrame):  # type: ignore[no-untyped-def]
    with connection.connect("loader", autocommit=True) as books:
        load_id = ledger.open_load(books, system=stream.system, stream=stream.name, contract_version=contract.version)
    with connection.connect("loader") as conn:
        lander = Lander(conn, stream, load_id, contract.version)
        lander.add(conformer(contract, stream)(page))
        landed = lander.finish(complete=True)
        commit(conn, load_id, landed)
    return landed


def _distinct_keys(contract: Contract, stream: Stream, rows: int) -> int:
    from connectors.conform import record_keys

    return record_keys(conformer(contract, stream)(sample_page(contract, stream, rows)).accepted, stream).n_unique()


def _current(conn: psycopg.Connection, stream: Stream) -> int:
    from psycopg import sql

    row = conn.execute(sql.SQL("SELECT count(*) FROM {} WHERE _to_load IS NULL").format(table_of(stream))).fetchone()
    assert row is not None
    return int(row[0])


def test_every_standard_named_by_a_contract_has_a_rule_or_is_text() -> None:
    from connectors.rules import _SEMANTIC_RULES

    used = {c.semantic_type for _, s in [(p.values[0], p.values[1]) for p in STREAMS] for c in s.columns} - {None}
    assert used <= set(SEMANTICS)
    handled = {name for name in SEMANTICS if name in _SEMANTIC_RULES or name.startswith("geo.") or "incident" in name}
    assert handled == set(SEMANTICS)


def test_what_waits_is_told_by_things_of_the_town_alone() -> None:
    """Whatever a contract calls its fields: no class above L2, nothing isolated, no column of a person or a device."""
    streams = {f"{c.id}.{stream.name}": stream for c in CONTRACTS.values() for stream in c.streams.values()}
    assert streams["safety_inspection.hazards"].references == {"inspection_no": "jcbh", "premises_code": "csbm"}
    assert streams["four_platform.events"].references == {"grid_code": "wgbm"}
    for name, stream in streams.items():
        told = [stream.column(column) for column in stream.references]
        assert all(c.classification in ("L1", "L2") and not c.sensitive and c.semantic_type is None for c in told), name
        assert not (stream.isolated and told), name
