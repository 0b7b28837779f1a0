"""The SFTP connector against the town's SFTP server, over real sockets and with the real contracts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import polars as pl
import pytest

from connectors.contract import Contract
from connectors.contract_folder import load_contracts
from connectors.errors import ContractViolation, Permanent, Retriable, Truncated
from connectors.protocols import open_extraction, sftp, sftp_drop
from connectors.protocols.base import Page, Pull
from connectors.variables import resolve_server
from simulator.faults import Faults
from simulator.servers.sftp import SftpServer
from simulator.servers.sftp_files import csv_bytes, excel_bytes, geojson_bytes

SYSTEMS = ("disability_certificate", "grid_map", "standard_address", "tax_analysis")
SQUARE = '{"type":"Polygon","coordinates":[[[120.1,30.2],[120.2,30.2],[120.1,30.3],[120.1,30.2]]]}'


@pytest.fixture(scope="module")
def contracts() -> dict[str, Contract]:
    return load_contracts()


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def server(tmp_path: Path, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> Iterator[SftpServer]:
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sftp_drop, "ATTEMPTS", 2)
    running = SftpServer(tmp_path / "sftp", faults, SYSTEMS)
    running.start()
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)
    yield running
    running.stop()


def pull(contracts: dict[str, Contract], system: str, stream: str, **changes: Any) -> Pull:
    contract = contracts[system]
    wanted = contract.streams[stream]
    return replace(Pull(wanted, resolve_server(contract.server_of(wanted))), **changes)


def take(of: Pull) -> tuple[pl.DataFrame, list[Page], dict[str, Any], bool]:
    with open_extraction(of) as extraction:
        pages = list(extraction.pages())
        extraction.acknowledge()
    frames = [page.frame for page in pages]
    return (pl.concat(frames) if frames else pl.DataFrame()), pages, extraction.state, extraction.complete


def addresses(contracts: dict[str, Contract], rows: int) -> pl.DataFrame:
    names = [column.physical_name for column in contracts["standard_address"].streams["addresses"].columns]
    return pl.DataFrame({name: [f"{name}{row}" for row in range(rows)] for name in names})


def collections(contracts: dict[str, Contract], month: str, rows: int = 3) -> bytes:
    names = [column.physical_name for column in contracts["tax_analysis"].streams["collections"].columns]
    frame = pl.DataFrame({name: [f"{month}-{row}" for row in range(rows)] for name in names})
    return csv_bytes(frame, "gb18030", total_row=["合计", *[""] * (len(names) - 2)])


def test_snapshot_takes_the_newest_file_once(contracts: dict[str, Contract], server: SftpServer) -> None:
    server.put("standard_address", "addresses_20260601.csv", csv_bytes(addresses(contracts, 9), "utf-8-sig"))
    server.put("standard_address", "addresses_20260630.csv", csv_bytes(addresses(contracts, 5), "utf-8-sig"))
    server.put("standard_address", "addresses_20260701.csv.tmp", b"half")
    first, _, state, complete = take(pull(contracts, "standard_address", "addresses"))
    assert first.equals(addresses(contracts, 5)) and complete
    _, pages, state, complete = take(pull(contracts, "standard_address", "addresses", state=state))
    assert pages == [] and not complete, "the same file again must not make anything vanish"
    server.put("standard_address", "addresses_20260630.csv", csv_bytes(addresses(contracts, 7), "utf-8-sig"))
    mended, _, _, complete = take(pull(contracts, "standard_address", "addresses", state=state))
    assert mended.height == 7 and complete


def test_changes_take_every_new_or_corrected_month(contracts: dict[str, Contract], server: SftpServer) -> None:
    for month in ("202605", "202606"):
        server.put("tax_analysis", f"tax_collections_{month}.csv", collections(contracts, month))
    frame, _, state, complete = take(pull(contracts, "tax_analysis", "collections"))
    assert frame.height == 6 and not complete and state["total_rows_dropped"] == 2
    assert sorted(state["files"]) == ["tax_collections_202605.csv", "tax_collections_202606.csv"]
    server.put("tax_analysis", "tax_collections_202605.csv", collections(contracts, "202605", rows=4))
    server.put("tax_analysis", "tax_collections_202607.csv", collections(contracts, "202607", rows=1))
    frame, _, state, _ = take(pull(contracts, "tax_analysis", "collections", state=state))
    read = [*[f"202605-{row}" for row in range(4)], *[f"202606-{row}" for row in range(3)], "202607-0"]
    assert frame["社会信用代码"].to_list() == read, "June is read again: it is newer than what May says now"
    server.put("tax_analysis", "tax_collections_202608.csv", collections(contracts, "202608", rows=1))
    frame, _, state, _ = take(pull(contracts, "tax_analysis", "collections", state=state))
    assert frame["社会信用代码"].to_list() == ["202608-0"]
    server.put("tax_analysis", "tax_collections_202604.csv", collections(contracts, "202604", rows=1))
    frame, _, state, _ = take(pull(contracts, "tax_analysis", "collections", state=state))
    assert frame["社会信用代码"].to_list() == ["202604-0", *read, "202608-0"], "so are all behind one that came late"


def test_changes_that_bear_their_time_are_not_read_again(contracts: dict[str, Contract], server: SftpServer) -> None:
    for month in ("202605", "202606"):
        server.put("tax_analysis", f"tax_collections_{month}.csv", collections(contracts, month))
    of = pull(contracts, "tax_analysis", "collections")
    of = replace(of, stream=replace(of.stream, cursor=of.stream.columns[-1]))
    _, _, state, _ = take(of)
    server.put("tax_analysis", "tax_collections_202605.csv", collections(contracts, "202605", rows=4))
    frame, _, _, _ = take(replace(of, state=state))
    assert frame.height == 4


def test_a_late_file_is_refused_where_the_newer_one_is_gone(contracts: dict[str, Contract], server: SftpServer) -> None:
    server.put("tax_analysis", "tax_collections_202606.csv", collections(contracts, "202606"))
    _, _, state, _ = take(pull(contracts, "tax_analysis", "collections"))
    server.remove("tax_analysis", "tax_collections_202606.csv")
    server.put("tax_analysis", "tax_collections_202605.csv", collections(contracts, "202605"))
    with pytest.raises(ContractViolation, match=r"202605\.csv came after tax_collections_202606\.csv"):
        take(pull(contracts, "tax_analysis", "collections", state=state))
    server.put("tax_analysis", "tax_collections_202606.csv", collections(contracts, "202606"))
    frame, _, _, _ = take(pull(contracts, "tax_analysis", "collections", state=state))
    assert frame.height == 6


def test_excel_and_geojson(contracts: dict[str, Contract], server: SftpServer) -> None:
    columns = contracts["disability_certificate"].streams["certificates"].columns
    names = list(dict.fromkeys(column.physical_name for column in columns))
    frame = pl.DataFrame({name: [f"{name}1", f"{name}2"] for name in names})
    server.put("disability_certificate", "cjrz_20260630.xlsx", excel_bytes(frame, total_row=["合计", 2]))
    got, _, state, complete = take(pull(contracts, "disability_certificate", "certificates"))
    assert got.equals(frame) and complete and state["total_rows_dropped"] == 1
    names = [column.physical_name for column in contracts["grid_map"].streams["grids"].columns]
    grids = pl.DataFrame({name: [SQUARE if name == "geometry" else f"{name}1"] for name in names})
    server.put("grid_map", "grids_20260630.geojson", geojson_bytes(grids))
    got, _, _, _ = take(pull(contracts, "grid_map", "grids"))
    assert got.equals(grids)


def test_nothing_stays_in_the_work_folder(contracts: dict[str, Contract], server: SftpServer, tmp_path: Path) -> None:
    server.put("tax_analysis", "tax_collections_202605.csv", collections(contracts, "202605"))
    take(pull(contracts, "tax_analysis", "collections"))
    assert list((tmp_path / "home" / "work").iterdir()) == []


def test_a_work_folder_that_goes_away_meanwhile_stops_no_other_pull(tmp_path: Path) -> None:
    """Pulls run side by side: one's folder may end between the listing and the look at its age."""
    (tmp_path / "sftp-ended").symlink_to(tmp_path / "nowhere")
    old = tmp_path / "sftp-old"
    old.mkdir()
    os.utime(old, (0, 0))
    sftp._remove_stale(tmp_path)
    assert not old.exists()


def test_no_file_at_all_is_an_error_and_not_an_empty_town(contracts: dict[str, Contract], server: SftpServer) -> None:
    with pytest.raises(Retriable, match="no file"):
        take(pull(contracts, "standard_address", "addresses"))


def test_links_are_not_followed(contracts: dict[str, Contract], server: SftpServer, tmp_path: Path) -> None:
    served = tmp_path / "sftp" / "served" / "standard_address"
    (served / "addresses_99999999.csv").symlink_to("/etc/hostname")
    with pytest.raises(Retriable, match="no file"):
        take(pull(contracts, "standard_address", "addresses"))


def test_another_host_key_is_refused(
    contracts: dict[str, Contract], server: SftpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for algorithm in ("ssh-ed25519", "ecdsa-sha2-nistp256"):
        other = asyncssh.generate_private_key(algorithm).export_public_key("openssh").decode()
        monkeypatch.setenv("STANDARD_ADDRESS_SFTP_HOST_KEY", other)
        with pytest.raises(Permanent, match="pinned host key"):
            take(pull(contracts, "standard_address", "addresses"))
    monkeypatch.setenv("STANDARD_ADDRESS_SFTP_HOST_KEY", "nonsense")
    with pytest.raises(Permanent, match="no valid pinned host key"):
        take(pull(contracts, "standard_address", "addresses"))


def test_a_refused_password_is_permanent(contracts: dict[str, Contract], server: SftpServer, faults: Faults) -> None:
    faults.set("tax_analysis", "bad_signature")
    with pytest.raises(Permanent, match="refuses user or password"):
        take(pull(contracts, "tax_analysis", "collections"))


def test_accounts_do_not_see_each_other(contracts: dict[str, Contract], server: SftpServer) -> None:
    server.put("standard_address", "tax_collections_202605.csv", collections(contracts, "202605"))
    with pytest.raises(Retriable, match="no file"):
        take(pull(contracts, "tax_analysis", "collections"))


def test_a_half_written_file_is_refused_until_it_is_whole(
    contracts: dict[str, Contract], server: SftpServer, faults: Faults
) -> None:
    server.put("tax_analysis", "tax_collections_202605.csv", collections(contracts, "202605", rows=50))
    faults.set("tax_analysis", "truncated")
    with pytest.raises(Truncated):
        take(pull(contracts, "tax_analysis", "collections"))
    faults.clear()
    assert take(pull(contracts, "tax_analysis", "collections"))[0].height == 50


def unsaid(of: Pull) -> Pull:
    """Of an owner who does not say how a file is finished."""
    source = {name: value for name, value in of.stream.source.items() if name != "finished"}
    return replace(of, stream=replace(of.stream, source=source))


def test_a_file_that_is_written_to_is_not_taken(
    contracts: dict[str, Contract], server: SftpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its writer has stopped at the end of a line for longer than the download takes: nothing in it shows that."""
    path = tmp_path / "sftp" / "served" / "tax_analysis" / "tax_collections_202605.csv"
    whole = collections(contracts, "202605", rows=50)
    path.write_bytes(whole[: whole.index(b"202605-30")])
    of = unsaid(pull(contracts, "tax_analysis", "collections"))
    monkeypatch.setattr(sftp.time, "sleep", lambda seconds: path.write_bytes(whole) if seconds > 1 else None)
    with pytest.raises(Retriable, match="still being written"):
        take(of)
    waited: list[float] = []
    monkeypatch.setattr(sftp.time, "sleep", waited.append)
    frame, _, state, _ = take(of)
    assert frame.height == 50 and waited == [sftp.STILL_SECONDS], "it lay still"
    waited.clear()
    take(replace(of, state=state))
    assert waited == [], "it was read"
    os.utime(path, (time.time() - 3600, time.time() - 3600))
    take(of)
    assert waited == [], "nobody has written to it for an hour"
    os.utime(path)
    take(pull(contracts, "tax_analysis", "collections"))
    assert waited == [], "its owner gives it its name when it is finished"


def test_a_file_replaced_within_the_second_in_which_it_was_read_is_seen(
    contracts: dict[str, Contract], server: SftpServer
) -> None:
    """It has the size and the time of before; what had just been written when it was read is looked at again."""
    path = server.directory / "served" / "tax_analysis" / "tax_collections_202605.csv"
    now = int(time.time())
    for written, read_again in ((now, True), (now - 3600, False)):
        state: dict[str, Any] = {}
        for content, height in (("first", 3), ("other", 3 if read_again else 0)):
            path.write_bytes(collections(contracts, content))
            os.utime(path, (written, written))
            frame, _, state, _ = take(pull(contracts, "tax_analysis", "collections", state=state))
            assert frame.height == height


def test_lines_in_another_encoding_are_set_apart(
    contracts: dict[str, Contract], server: SftpServer, faults: Faults
) -> None:
    server.put("standard_address", "addresses_20260630.csv", csv_bytes(addresses(contracts, 40), "utf-8-sig"))
    faults.set("standard_address", "mixed_encoding", share=0.1)
    frame, pages, _, _ = take(pull(contracts, "standard_address", "addresses"))
    assert frame.height == 36
    assert [(bad.row_no, bad.reason) for page in pages for bad in page.bad] == [
        (number, "undecodable_text") for number in (10, 20, 30, 40)
    ]


def test_a_broken_download_carries_on(contracts: dict[str, Contract], server: SftpServer, faults: Faults) -> None:
    server.put("tax_analysis", "tax_collections_202605.csv", collections(contracts, "202605", rows=200))
    faults.set("tax_analysis", "reset", times=1)
    assert take(pull(contracts, "tax_analysis", "collections"))[0].height == 200


def test_silence_and_a_dead_server_are_worth_another_try(
    contracts: dict[str, Contract], server: SftpServer, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp_drop, "STEP_SECONDS", 0.5)
    server.put("tax_analysis", "tax_collections_202605.csv", collections(contracts, "202605"))
    faults.set("tax_analysis", "timeout", seconds=3)
    with pytest.raises(Retriable, match="in time"):
        take(pull(contracts, "tax_analysis", "collections"))
    faults.set("tax_analysis", "dead")
    with pytest.raises(Retriable):
        take(pull(contracts, "tax_analysis", "collections"))
    server.stop()
    with pytest.raises(Retriable, match="failed"):
        take(pull(contracts, "tax_analysis", "collections"))


def test_a_probing_pull_tries_once_until_the_server_answers(
    contracts: dict[str, Contract], server: SftpServer, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put("tax_analysis", "tax_collections_202605.csv", collections(contracts, "202605", rows=200))
    tried, connect = [], asyncssh.connect
    monkeypatch.setattr(asyncssh, "connect", lambda *args, **options: (tried.append(1), connect(*args, **options))[1])
    faults.set("tax_analysis", "dead")
    for probing, tries in ((True, 1), (False, sftp_drop.ATTEMPTS)):
        tried.clear()
        with pytest.raises(Retriable):
            take(pull(contracts, "tax_analysis", "collections", probing=probing))
        assert len(tried) == tries
    faults.clear()
    faults.set("tax_analysis", "reset", times=1)
    frame = take(pull(contracts, "tax_analysis", "collections", probing=True))[0]
    assert frame.height == 200, "the listing was an answer: the broken download carries on"
