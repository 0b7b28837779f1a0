"""A new system from a sample to landed rows: scaffolded, its blanks filled by a person, served by a real upstream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
import sqlalchemy as sa

from bench.sample import sample_page
from connectors.contract import Contract, Stream
from connectors.contract_check import check_file
from connectors.contract_folder import load_contracts
from connectors.intake import LoadResult, run_stream
from connectors.protocols import sftp
from connectors.scaffold import scaffold
from connectors.tables import ensure_tables
from simulator.faults import Faults
from simulator.interfaces import GatewayInterface
from simulator.servers.gateway import GatewayServer
from simulator.servers.sftp import SftpServer
from simulator.servers.sftp_files import csv_bytes, excel_bytes, geojson_bytes
from warehouse import connection

ROWS = 120
SYSTEM = "new_system"
BLANKS = {
    'purpose: ""': "purpose: Trying a new system.",
    'team: {name: ""}': "team: {name: 镇数据办}",
    'legalBasis, value: ""': "legalBasis, value: zj-public-data-2022",
    "purposes, value: []": "purposes, value: [resident_register]",
    'crs, value: ""': "crs, value: gcj02",
    "interface: DIR/": "interface: new/",
}
"""What a person fills in; a datum and an interface only where the sample's kind has any."""

CONTRACTS = load_contracts()


@dataclass
class View:
    frame: pl.DataFrame
    changed_at: str | None = "gxsj"


def rows_of(system: str, stream: str, headings: Mapping[str, str]) -> pl.DataFrame:
    page = sample_page(CONTRACTS[system], CONTRACTS[system].streams[stream], ROWS)
    return page.select(pl.col(ours).alias(theirs) for ours, theirs in headings.items())


PEOPLE = rows_of("household_registry", "residents", {name: name for name in (
    "rybh", "gmsfhm", "xm", "xb", "mz", "csrq", "hh", "yhzgx", "hjdz", "lxdh", "zt", "gxsj")})  # fmt: skip
CERTIFICATES = rows_of("disability_certificate", "certificates", {
    name: name for name in (column.physical_name for column in
                            CONTRACTS["disability_certificate"].streams["certificates"].columns)})  # fmt: skip
TAXES = rows_of(
    "tax_registry", "taxpayers", {"nsrsbh": "纳税人识别号", "nsrmc": "纳税人名称", "scjydz": "生产经营地址"}
)
TAXES = TAXES.with_columns(pl.Series("入库额（万元）", [f"{n}.2500" for n in range(ROWS)]))
EVENTS = rows_of("four_platform", "events", {name: name for name in (
    "sjbh", "sldw", "sjly", "bt", "ms", "dz", "jd", "wd", "sbrdh", "sbsj", "zt", "gxsj")})  # fmt: skip


@contextmanager
def over_sftp(folder: Path, file: str, content: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sftp, "STILL_SECONDS", 0)  # a draft does not say how the owner finishes files
    server = SftpServer(folder / "sftp", Faults(), (SYSTEM,))
    server.start()
    server.put(SYSTEM, file, content)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    try:
        yield
    finally:
        server.stop()


@contextmanager
def over_the_gateway(stream: str, frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    interfaces = {(SYSTEM, stream): GatewayInterface(f"new/{stream}")}
    server = GatewayServer(lambda system, name: View(frame), Faults(), interfaces)
    server.start()
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    try:
        yield
    finally:
        server.stop()


def taken_in(folder: Path, text: str) -> tuple[Contract, list[LoadResult]]:
    """The contract once its blanks are filled, and two pulls with it."""
    path = folder / f"{SYSTEM}.odcs.yaml"
    path.write_text(text, encoding="utf-8")
    refused = {problem.reason for problem in check_file(path)[1]}
    assert {"no legal basis", "no owner", "no permitted purposes"} <= refused
    for blank, filled in BLANKS.items():
        text = text.replace(blank, filled)
    path.write_text(text, encoding="utf-8")
    contract, problems = check_file(path)
    assert contract is not None and problems == [], [str(problem) for problem in problems]
    with connection.connect("loader") as conn:
        ensure_tables(conn, {SYSTEM: contract})
    (stream,) = contract.streams.values()
    return contract, [run_stream(contract, stream, run_id=f"try-{number}") for number in (1, 2)]


def only_stream(contract: Contract) -> Stream:
    (stream,) = contract.streams.values()
    return stream


def landed(url: str, contract: Contract, column: str) -> list[Any]:
    table = only_stream(contract).landing_table
    with psycopg.connect(url) as conn:
        query = f'SELECT "{column}" FROM landing.{table} WHERE _to_load IS NULL'
        return [row[0] for row in conn.execute(query.encode())]


def no_person_in(text: str, *columns: pl.Series) -> None:
    for column in columns:
        for value in column.unique().drop_nulls().to_list():
            assert value not in text, column.name


FILES = {
    "CSV in GB18030": ("纳税人_202605.csv", csv_bytes(TAXES, "gb18030", total_row=["合计", "", "1"])),
    "CSV in UTF-8": ("people_202605.csv", csv_bytes(PEOPLE.rename({"xm": "姓名"}), "utf-8-sig")),
    "Excel with merged headers": ("残疾人名册_202605.xlsx", excel_bytes(CERTIFICATES, total_row=["合计", "120"])),
    "GeoJSON": ("grids_20260501.geojson", geojson_bytes(
        sample_page(CONTRACTS["grid_map"], CONTRACTS["grid_map"].streams["grids"], ROWS))),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_a_file(kind: str, fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, content = FILES[kind]
    sample = tmp_path / file
    sample.write_bytes(content)
    text = scaffold(SYSTEM, str(sample))
    no_person_in(text, PEOPLE["gmsfhm"], PEOPLE["xm"], PEOPLE["lxdh"], CERTIFICATES["残疾人证号"])
    with over_sftp(tmp_path, file, content, monkeypatch):
        contract, (first, again) = taken_in(tmp_path, text)
    assert (first.state, first.landed, first.quarantined) == ("committed", ROWS, 0), first.reasons
    assert (again.landed, again.quarantined, again.tombstoned) == (0, 0, 0)
    if kind == "CSV in GB18030":
        assert sorted(landed(fresh_database, contract, "amount"))[:2] == [2500, 12500], "10,000 yuan are yuan here"


@pytest.mark.parametrize("form", ["the gateway's envelope", "a plain array"])
def test_a_json_page(form: str, fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = tmp_path / "events.json"
    rows = EVENTS.to_dicts()
    document = {"code": "00", "datas": json.dumps(rows), "totalDataCount": ROWS} if form.startswith("the") else rows
    sample.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    text = scaffold(SYSTEM, str(sample))
    no_person_in(text, EVENTS["sbrdh"])
    assert 'crs, value: ""' in text, "no datum without evidence"
    with over_the_gateway("events", EVENTS, monkeypatch):
        contract, (first, again) = taken_in(tmp_path, text)
    stream = only_stream(contract)
    assert stream.load == "changes" and stream.cursor is not None
    assert (first.state, first.landed, first.quarantined) == ("committed", ROWS, 0), first.reasons
    assert again.landed == 0
    assert all(120.0 < value < 120.2 for value in landed(fresh_database, contract, "longitude"))


@pytest.fixture
def upstream(server_url: str, fresh_database: str) -> Iterator[str]:
    """A database of another office on the same server: one table of every type, with a flag for handing over."""
    name = fresh_database.rsplit("/", 1)[1] + "_office"
    admin = sa.make_url(server_url).set(drivername="postgresql+psycopg")
    with ExitStack() as stack:
        engine = sa.create_engine(admin, isolation_level="AUTOCOMMIT")
        with engine.connect() as conn:
            conn.exec_driver_sql(f"CREATE DATABASE {name}")
        stack.callback(engine.dispose)
        url = admin.set(database=name)
        office = sa.create_engine(url)
        with office.begin() as conn:
            conn.exec_driver_sql(
                "CREATE TABLE t_lease (id bigint PRIMARY KEY, htbh text, czr text, sfzh varchar(18), zj numeric(12,2), "
                "qsrq date, sfyx boolean, mj double precision, clbz char(1) DEFAULT '0', gxsj timestamp NOT NULL)"
            )
            for number, person in enumerate(PEOPLE.head(ROWS).iter_rows(named=True)):
                conn.exec_driver_sql(
                    "INSERT INTO t_lease VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '0', %s)",
                    (number, f"HT{number}", person["xm"], person["gmsfhm"], 1200 + number, date(2026, 1, 1),
                     number % 2 == 0, 20.5 + number, datetime(2026, 5, 1, 8, number % 60)),
                )  # fmt: skip
        office.dispose()
        yield url.set(drivername="postgresql").render_as_string(hide_password=False)
        with engine.connect() as conn:
            conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_database_table(upstream: str, fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = scaffold(SYSTEM, upstream, table="t_lease")
    no_person_in(text, PEOPLE["gmsfhm"], PEOPLE["xm"])
    assert upstream not in text and (sa.make_url(upstream).password or "-") not in text
    assert "# - {property: acknowledge" in text, "marking rows at the source is a person's decision"
    monkeypatch.setenv("NEW_SYSTEM_URL", upstream)
    contract, (first, again) = taken_in(tmp_path, text)
    stream = only_stream(contract)
    assert (stream.name, [column.physical_name for column in stream.primary_key]) == ("lease", ["id"])
    assert {column.physical_name: column.logical_type for column in stream.columns} == {
        "id": "string", "htbh": "string", "czr": "string", "sfzh": "string", "zj": "number", "qsrq": "date",
        "sfyx": "boolean", "mj": "number", "gxsj": "timestamp",
    }  # fmt: skip
    assert (first.state, first.landed, first.quarantined) == ("committed", ROWS, 0), first.reasons
    assert again.landed == 0
    assert landed(fresh_database, contract, "sfyx").count(True) == ROWS // 2
