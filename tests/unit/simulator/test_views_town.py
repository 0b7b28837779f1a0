"""The town behind the servers: it lives on, is kept on disk, drops files, and obeys its control interface."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from starlette.testclient import TestClient

from simulator import status, systems
from simulator.control import application
from simulator.faults import Faults
from simulator.files import Files, content
from simulator.interfaces import FileDrop, by_system
from simulator.servers.sftp import SftpServer
from simulator.town import Town, changed_rows
from simulator.truth import WHO_IS_WHO, write_truth

SCALE, SEED = 0.01, 4
DROPS = systems.served_by(FileDrop)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A town, the same town three days later, and what changed."""
    folder = tmp_path_factory.mktemp("town")
    town = Town.open(folder, SCALE, SEED)
    before = {key: change.now for key, change in town.now().items()}
    changes = town.advance(3)
    return {"folder": folder, "town": town, "before": before, "changes": changes}


def test_every_stream_of_every_system_is_served(lived: dict[str, Any]) -> None:
    assert set(lived["before"]) == {(s, stream) for s in systems.SYSTEMS for stream in systems.streams(s)}


def test_days_bring_new_events_and_changed_ones_only(lived: dict[str, Any]) -> None:
    change = lived["changes"]["four_platform", "events"]
    new = changed_rows(change)
    assert 0 < new.height < change.now.frame.height / 4
    assert new["gxsj"].min() >= f"{lived['town'].today - timedelta(days=2)} 00:00:00"
    assert ("grid_map", "grids") not in lived["changes"]


def test_records_that_did_not_change_are_dirty_as_before(lived: dict[str, Any]) -> None:
    key = "household_registry", "residents"
    before, now = lived["before"][key], lived["town"].served(*key)
    kept = before.defects.join(now.defects, on=before.defects.columns, how="inner").height
    assert kept >= 0.97 * before.defects.height > 0


def test_changed_rows_carry_a_time_of_change_after_the_day_before(lived: dict[str, Any]) -> None:
    began = lived["town"].today - timedelta(days=2)
    for (system, stream), change in lived["changes"].items():
        column = change.now.changed_at
        if column is None or system == "minimum_living":  # a snapshot
            continue
        moments = changed_rows(change)[column]
        if moments.dtype.is_integer():  # epochs, of which some count milliseconds
            seconds = pl.when(moments > 10**11).then(moments // 1000).otherwise(moments)
            moments = pl.select(pl.from_epoch(seconds + 8 * 3600)).to_series()
        oldest = moments.cast(pl.String).str.slice(0, 10).min()
        assert oldest is None or oldest >= began.isoformat(), (system, stream, oldest)


def test_sensor_readings_cover_all_days_that_passed(lived: dict[str, Any]) -> None:
    readings = lived["changes"]["elder_door_sensor", "readings"].now.frame
    seconds = readings["ts"].to_numpy()
    days = {date.fromtimestamp(s // 1000 if s > 10**11 else s) for s in seconds.tolist()}
    assert len(days) >= 3


def test_a_restart_serves_the_same(lived: dict[str, Any]) -> None:
    again = Town.open(lived["folder"], SCALE, SEED)
    assert again.today == lived["town"].today
    since = datetime.combine(again.today, time())
    # messages that nobody keeps: the town has served those of all the days that passed
    passing = {
        (system, stream)
        for system in systems.SYSTEMS
        for stream in systems.messages(system, again.world, since, since + timedelta(days=1), seed=SEED)
    }
    assert ("elder_door_sensor", "readings") in passing
    for (system, stream), change in again.now().items():
        if (system, stream) not in passing:
            assert change.now.frame.equals(lived["town"].served(system, stream).frame), (system, stream)


def test_another_seed_replaces_the_town_and_what_was_dropped(tmp_path: Path) -> None:
    Town.open(tmp_path, SCALE, 1)
    (tmp_path / "sftp").mkdir()
    assert Town.open(tmp_path, SCALE, 2).world.seed == 2
    assert not (tmp_path / "sftp").exists()


def test_the_answer_key_names_every_system_with_people(lived: dict[str, Any], tmp_path: Path) -> None:
    answers = lived["town"].answers()
    assert dict(answers["who_is_who"].schema) == WHO_IS_WHO
    systems = set(answers["who_is_who"].filter(pl.col("kind") == "resident")["system"])
    assert {"household_registry", "migrant_registry", "pension", "welfare_payment", "death_register"} <= systems
    written = write_truth(lived["town"].world, tmp_path, answers)
    assert {"who_is_who.parquet", "defects.parquet"} <= {path.name for path in written}


def test_days_that_make_no_sense_are_refused(lived: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="1 to 366"):
        lived["town"].advance(0)


def test_files_are_dropped_once_and_again_when_due(lived: dict[str, Any], tmp_path: Path) -> None:
    server = SftpServer(tmp_path, Faults(), by_system(DROPS))
    for system in server.passwords:
        for stage in ("sent", "served"):
            (tmp_path / stage / system).mkdir(parents=True)
    files, town = Files(server, Faults(), DROPS), lived["town"]
    files.publish(town.now(), town.today)
    today = f"{town.today:%Y%m%d}"
    assert server.files("standard_address") == [f"addresses_{today}.csv"]
    assert server.files("grid_map") == [f"communities_{today}.geojson", f"grids_{today}.geojson"]
    files.publish({}, town.today + timedelta(days=6))
    assert len(server.files("standard_address")) == 1
    files.publish({}, town.today + timedelta(days=7))
    assert len(server.files("standard_address")) == 2
    for week in range(2, 7):
        files.publish({}, town.today + timedelta(days=7 * week))
    assert len(server.files("standard_address")) == 3
    assert len(server.files("grid_map")) == 2, "a quarter has not passed"


def test_a_data_fault_rewrites_the_files_of_its_system_alone(lived: dict[str, Any], tmp_path: Path) -> None:
    faults = Faults()
    server = SftpServer(tmp_path, faults, by_system(DROPS))
    for system in server.passwords:
        for stage in ("sent", "served"):
            (tmp_path / stage / system).mkdir(parents=True)
    Files(server, faults, DROPS).publish(lived["town"].now(), lived["town"].today)
    month = tmp_path / "served" / "tax_analysis" / "tax_collections_202604.csv"
    plain, others = month.read_bytes(), server.files("standard_address")
    stamps = [(tmp_path / "sent" / "standard_address" / name).stat().st_mtime_ns for name in others]
    faults.set("tax_analysis", "renamed_column", column="税种", to="税收种类")
    assert "税收种类".encode("gb18030") in month.read_bytes()
    assert stamps == [(tmp_path / "sent" / "standard_address" / name).stat().st_mtime_ns for name in others]
    faults.clear()
    assert month.read_bytes() == plain


def test_files_hold_bytes_of_no_encoding_where_planted(lived: dict[str, Any]) -> None:
    key = "standard_address", "addresses"
    served = lived["town"].served(*key)
    raw = content(DROPS[key], served.frame)
    assert raw.startswith(b"\xef\xbb\xbf") and "\U0010fffd".encode() not in raw
    assert raw.count(b"\xff\xff") == served.defects.filter(pl.col("kind") == "undecodable_text").height


def test_files_end_with_the_total_of_what_can_be_added() -> None:
    frame = pl.DataFrame({"社会信用代码": ["a", "b"], "入库额（万元）": ["1.2500", "——"], "__file": ["m.csv"] * 2})
    drop = DROPS["tax_analysis", "collections"]
    lines = content(drop, frame).decode("gb18030").splitlines()
    assert lines[0] == "社会信用代码,入库额（万元）" and lines[-1] == "合计,1.2500"
    counted = replace(drop, total_of=None)
    assert content(counted, frame).decode("gb18030").splitlines()[-1] == "合计,2条"
    assert content(replace(drop, total=None), frame).decode("gb18030").splitlines()[-1] == "b,——"


def test_what_an_encoding_lacks_becomes_a_question_mark_and_a_marked_place_ff() -> None:
    raw = content(FileDrop("x_*.csv", every=1, encoding="gbk"), pl.DataFrame({"姓名": ["王𠮷", "李\U0010fffd明"]}))
    assert raw == "姓名\r\n王?\r\n李".encode("gbk") + b"\xff\xff" + "明\r\n".encode("gbk")


def test_a_drop_of_no_known_format_is_refused() -> None:
    with pytest.raises(ValueError, match="no known format"):
        content(FileDrop("x_*.dbf", every=1), pl.DataFrame({"a": [1]}))


class _Town:
    def __init__(self) -> None:
        self.asked: list[Any] = []

    def status(self) -> dict[str, Any]:
        return {"ready": True}

    def advance(self, days: int) -> dict[str, Any]:
        if days < 1:
            raise ValueError("no days")
        self.asked.append(days)
        return {"days": days}

    def set_fault(self, system: str, fault: str, **params: Any) -> dict[str, Any]:
        return {system: {fault: params}}

    def clear_faults(self, system: str | None, fault: str | None) -> dict[str, Any]:
        self.asked.append((system, fault))
        return {}

    def truth(self, out: Path) -> dict[str, Any]:
        return {"out": str(out)}

    def stop(self) -> None:
        self.asked.append("stop")


def test_the_control_interface_obeys_its_token_only() -> None:
    town = _Town()
    client = TestClient(application(town, "secret"))
    assert client.post("/advance", json={"days": 2}).status_code == 401
    assert client.post("/stop", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert town.asked == []
    client.headers["Authorization"] = "Bearer secret"
    assert client.get("/status").json() == {"ready": True}
    assert client.post("/advance", json={"days": 2}).json() == {"days": 2}
    assert client.post("/faults", json={"system": "a", "fault": "dead", "times": 2}).json() == {
        "a": {"dead": {"times": 2}}
    }
    assert client.request("DELETE", "/faults?system=a").json() == {}
    assert client.post("/truth", json={"out": "/x"}).json() == {"out": "/x"}
    assert client.post("/stop").json() == {"stopping": True}
    assert town.asked == [2, ("a", None), "stop"]


@pytest.mark.parametrize(
    "sent", [{"content": b"no json"}, {"json": [1]}, {"json": {"days": 0}}, {"json": {"days": None}}]
)
def test_what_cannot_be_done_is_refused_with_a_reason(sent: dict[str, Any]) -> None:
    client = TestClient(application(_Town(), "secret"), headers={"Authorization": "Bearer secret"})
    answer = client.post("/advance", **sent)
    assert answer.status_code == 400 and answer.json()["error"]


def test_the_status_file_is_private_and_ends_with_its_process(tmp_path: Path) -> None:
    import os

    assert status.read(tmp_path) is None
    status.write(tmp_path, {"pid": os.getpid(), "ready": False})
    assert status.path(tmp_path).stat().st_mode & 0o777 == 0o600
    assert status.read(tmp_path) == {"pid": os.getpid(), "ready": False}
    status.remove(tmp_path)
    assert not status.path(tmp_path).exists()
    status.write(tmp_path, {"pid": 2**22 + 1, "ready": True})
    assert status.read(tmp_path) is None
