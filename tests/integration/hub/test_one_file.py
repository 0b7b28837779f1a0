# ruff: noqa: E501 (the contract stands as contracts are written: a column a line)
"""A new system of a known shape is ONE file: it is written into an empty folder, and the hub takes the system in.

The system is one that nothing of ours has heard of: a table that this test makes in a database, and files on an SFTP
server. The folder holds no other contract, so nothing of another system can help; what the warehouse builds from
others has no input here, and that it says so is no fault of the new one.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from simulator.faults import Faults
from simulator.servers.sftp import SftpServer
from tests.integration.hub.conftest import REPOSITORY, Hub, new_home

SYSTEM = "bus_network"
CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: bus_network
name: 公交线网
version: 1.0.0
status: active
domain: service
description: {purpose: stops and boardings of the town's buses, limitations: counts per stop and day and no person}
team: {name: 区交通运输局}
customProperties:
  - {property: legalBasis, value: zj-public-data-2022}
  - {property: purposes, value: [any]}
servers:
  - server: exchange
    type: custom
    customProperties:
      - {property: protocol, value: exchange_db}
      - {property: endpoint, value: "${BUS_NETWORK_URL}"}
      - {property: acknowledge, value: {column: clbz, waiting: "0", taken: "1"}}
      - {property: crs, value: gcj02}
      - {property: timezone, value: Asia/Shanghai}
  - server: drop
    type: custom
    customProperties:
      - {property: protocol, value: sftp}
      - {property: endpoint, value: "${BUS_NETWORK_SFTP}"}
      - {property: hostKey, value: "${BUS_NETWORK_SFTP_HOST_KEY}"}
      - {property: encoding, value: gb18030}
      - {property: timezone, value: Asia/Shanghai}
slaProperties:
  - {property: frequency, value: 1, unit: day}
  - {property: latency, value: 3, unit: day}
  - {property: retention, value: 3, unit: year}
schema:
  - name: stops
    physicalName: t_gjzd
    dataGranularityDescription: one row per stop
    customProperties:
      - {property: load, value: changes}
      - {property: server, value: exchange}
      - {property: cursor, value: updated_at}
      - {property: expires, value: updated_at}
    properties:
      - {name: stop_no, physicalName: zdbh, logicalType: string, primaryKey: true, required: true, classification: L1}
      - {name: name, physicalName: zdmc, logicalType: string, required: true, classification: L1}
      - {name: longitude, physicalName: jd, logicalType: number, semanticType: geo.longitude, classification: L1}
      - {name: latitude, physicalName: wd, logicalType: number, semanticType: geo.latitude, classification: L1}
      - {name: state, physicalName: zt, logicalType: string, required: true, classification: L1, customProperties: [{property: codes, value: {"1": open, "2": closed}}]}
      - {name: updated_at, physicalName: gxsj, logicalType: timestamp, required: true, classification: L1}
  - name: boardings
    physicalName: "boardings_*.csv"
    dataGranularityDescription: one row per stop and day
    customProperties:
      - {property: load, value: changes}
      - {property: server, value: drop}
      - {property: expires, value: day}
      - {property: source, value: {format: csv, finished: renamed, totalRows: [合计]}}
    properties:
      - {name: stop_no, physicalName: 站点编号, logicalType: string, primaryKey: true, required: true, classification: L1}
      - {name: day, physicalName: 日期, logicalType: date, primaryKey: true, required: true, classification: L1}
      - {name: people, physicalName: 上车人数, logicalType: integer, required: true, classification: L1}
"""
STOPS = [
    ("Z001", "镇政府", 120.15, 30.28, "1", "2026-06-01 08:00:00"),
    ("Z002", "䶮塘路口", 120.16, 30.29, "2", "2026-06-02 08:00:00"),
    ("Z003", "老街", 120.17, 30.27, "7", "2026-06-03 08:00:00"),
]
BOARDINGS = "站点编号,日期,上车人数\r\nZ001,2026-06-01,120\r\nZ002,2026-06-01,45\r\nZ002,2026-02-30,3\r\n合计,,168\r\n"
DEFINITIONS = """
import json
from orchestration.definitions import defs
graph = defs.resolve_asset_graph()
ours = [key for key in graph.get_all_asset_keys() if "bus_network" in key.path]
print(json.dumps({
    "assets": sorted(key.to_user_string() for key in ours),
    "checks": sorted(check.name for check in graph.asset_check_keys if check.asset_key in ours),
    "sensors": [sensor.name for sensor in defs.sensors if sensor.name.endswith("bus_network")],
    "daily": sorted(key.to_user_string() for key in defs.resolve_job_def("intake_daily").asset_layer.executable_asset_keys if key in ours),
}))
"""


@dataclass
class Upstream:
    """The new system's own side: its database and its files, and the variables that its contract names."""

    url: str
    files: SftpServer

    @property
    def environment(self) -> dict[str, str]:
        return {"BUS_NETWORK_URL": self.url, **self.files.environment()}

    def execute(self, statement: str, *values: Any) -> None:
        with psycopg.connect(self.url) as conn:
            conn.execute(statement.encode(), values)

    def flags(self) -> list[str]:
        """How the hub has acknowledged the rows of the exchange table."""
        with psycopg.connect(self.url) as conn:
            return [row[0] for row in conn.execute("SELECT clbz FROM t_gjzd ORDER BY zdbh")]


@pytest.fixture(scope="module")
def upstream(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    name = f"townhub_bus_{secrets.token_hex(4)}"
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f'CREATE DATABASE "{name}"')
    made = Upstream(
        urlunsplit(urlsplit(server_url)._replace(path="/" + name)),
        SftpServer(tmp_path_factory.mktemp("sftp"), Faults(), [SYSTEM]),
    )
    made.files.start()
    try:
        made.execute(
            "CREATE TABLE t_gjzd (zdbh text, zdmc text, jd float8, wd float8, zt text, gxsj timestamp,"
            " clbz varchar(2) NOT NULL DEFAULT '0')"
        )
        for stop in STOPS:
            made.execute("INSERT INTO t_gjzd VALUES (%s, %s, %s, %s, %s, %s)", *stop)
        made.files.put(SYSTEM, "boardings_202606.csv", BOARDINGS.encode("gb18030"))
        yield made
    finally:
        made.files.stop()
        with psycopg.connect(server_url, autocommit=True) as conn:
            conn.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one new file."""
    made = tmp_path_factory.mktemp("systems")
    (made / f"{SYSTEM}.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def alone(parsed_project: Path) -> Iterator[Hub]:
    """A hub that has taken in nothing yet."""
    made = Hub(new_home(parsed_project))
    try:
        yield made
    finally:
        down = made.command("down", "--purge", "--yes")
        shutil.rmtree(made.home, ignore_errors=True)
    assert down.returncode == 0, down.stderr


@pytest.fixture(scope="module")
def surroundings(upstream: Upstream, folder: Path) -> dict[str, str]:
    return {"TOWNHUB_SYSTEMS": str(folder), **upstream.environment}


@pytest.fixture(scope="module")
def report(alone: Hub, surroundings: dict[str, str]) -> dict[str, Any]:
    """What `townhub run` says."""
    done = alone.command("run", "--json", **surroundings)
    assert done.stdout, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


def test_the_contract_is_without_a_mistake(alone: Hub, surroundings: dict[str, str]) -> None:
    done = alone.command("systems", "check", **surroundings)
    assert done.returncode == 0, done.stdout
    assert [row["system"] for row in alone.answer("systems", "list", **surroundings)] == [SYSTEM]


def test_every_row_is_taken_in_or_held_with_a_reason(alone: Hub, report: dict[str, Any], upstream: Upstream) -> None:
    counts = {"landed": 2, "unchanged": 0, "quarantined": 1, "tombstoned": 0, "state": "committed"}
    assert report["systems"] == {SYSTEM: {"stops": counts, "boardings": counts}}
    assert not [failure for failure in report["failures"] if "bus" in failure]
    stops = alone.rows("SELECT stop_no, name, state, state_raw FROM landing.bus_network__stops ORDER BY 1")
    assert stops == [("Z001", "镇政府", "open", "1"), ("Z002", "䶮塘路口", "closed", "2")]
    boardings = alone.rows("SELECT stop_no, day, people FROM landing.bus_network__boardings ORDER BY 1")
    assert boardings == [("Z001", date(2026, 6, 1), 120), ("Z002", date(2026, 6, 1), 45)]
    held = alone.rows("SELECT stream, reasons FROM quarantine.row ORDER BY 1")
    assert held == [("boardings", ["day:impossible_date"]), ("stops", ["state:unknown_code"])]
    assert upstream.flags() == ["1", "1", "1"]


def test_the_places_are_of_the_contracts_reference_system(alone: Hub, report: dict[str, Any]) -> None:
    """GCJ-02 lies some five hundred metres beside WGS-84: the contract's one word moves the stop."""
    ours, theirs = alone.rows("SELECT longitude, longitude_raw FROM landing.bus_network__stops WHERE stop_no = 'Z001'")[
        0
    ]
    assert float(theirs) == 120.15
    assert 0.003 < 120.15 - ours < 0.006


def test_the_contracts_own_checks_were_run(alone: Hub, report: dict[str, Any], surroundings: dict[str, str]) -> None:
    judged = alone.rows("SELECT stream, jsonb_array_length(results) FROM control.contract_check ORDER BY 1")
    assert [stream for stream, _ in judged] == ["boardings", "stops"]
    assert all(checks > 1 for _, checks in judged)
    status = alone.answer("status", **surroundings)
    assert {row["stream"] for row in status if row["system"] == SYSTEM} == {"stops", "boardings"}


def test_dagster_knows_its_assets_checks_schedule_and_sensor(
    alone: Hub, report: dict[str, Any], surroundings: dict[str, str]
) -> None:
    """In a process of its own, as the daemon and the UI load them."""
    done = subprocess.run(
        [sys.executable, "-c", DEFINITIONS],
        cwd=REPOSITORY, env=alone.surroundings(**surroundings), capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    streams = ["landing/bus_network/boardings", "landing/bus_network/stops"]
    assert json.loads(done.stdout) == {
        "assets": streams,
        "checks": ["applied", "applied", "contract", "contract"],
        "daily": streams,
        "sensors": ["files_bus_network"],
    }
