"""`townhub resolve residents`: any table in, links out, by the hub's own code; what is wrong with a table is said."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from resolution.residents import cluster, table
from resolution.sources import RESIDENT_SCHEMA

PEOPLE = pl.DataFrame(
    {
        "record_id": ["c", "a", "b", "d"],
        "name": ["王伟", "王伟", "王 伟", "李秀英"],
        "resident_id_no": ["11010519491231002X", None, "110105491231002", None],
        "birth_date": [None, "1949-12-31", None, "1949-12-31"],
    }
)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["resolve", *arguments])
    return result.exit_code, result.output + (str(result.exception) if result.exception else "")


def test_links_are_written_with_their_kinds(tmp_path: Path) -> None:
    PEOPLE.write_parquet(tmp_path / "in.parquet")
    code, said = run("residents", str(tmp_path / "in.parquet"), "--output", str(tmp_path / "out.parquet"), "--json")
    assert code == 0 and '"exact": 2' in said
    links = pl.read_parquet(tmp_path / "out.parquet")
    assert links.columns == ["record_id", "resident_key", "link_kind"]
    assert links["record_id"].to_list() == ["a", "b", "c", "d"]
    assert links["link_kind"].to_list() == ["probabilistic", "exact", "exact", "single"]
    keys = links["resident_key"].to_list()
    assert keys[0] == keys[1] == keys[2] != keys[3]


def test_the_code_is_that_of_the_hub() -> None:
    records = table.records(PEOPLE)
    assert dict(records.schema) == RESIDENT_SCHEMA
    theirs = cluster(records).assigned.sort("row")
    ours = table.links(records)
    assert sorted(theirs["link_kind"]) == sorted(ours["link_kind"])
    assert theirs["cluster"].n_unique() == ours["resident_key"].n_unique()


def test_keys_do_not_hang_on_the_order_of_the_rows() -> None:
    assert table.links(table.records(PEOPLE)).equals(table.links(table.records(PEOPLE.reverse())))


@pytest.mark.parametrize("day", [dt.date(1975, 3, 5), dt.datetime(1975, 3, 5), "1975-03-05", "19750305", "1975/3/5"])
def test_dates_are_read_as_they_come(day: object) -> None:
    records = table.records(pl.DataFrame({"record_id": ["a"], "birth_date": [day]}))
    assert records["birth_date"].to_list() == [dt.date(1975, 3, 5)]


def test_numbers_for_ids_and_columns_of_nulls_are_taken() -> None:
    frame = pl.DataFrame({"record_id": [1, 2], "name": [None, None], "phone": [13912345670, None]})
    links = table.links(table.records(frame))
    assert links.select("record_id", "link_kind").rows() == [("1", "single"), ("2", "single")]


def test_an_empty_table_has_no_links() -> None:
    assert table.links(table.records(PEOPLE.clear())).is_empty()


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pl.DataFrame({"name": ["王伟"]}), "no column record_id"),
        (pl.DataFrame({"record_id": ["a", None]}), "null in 1 rows"),
        (pl.DataFrame({"record_id": ["a", "a"]}), "not unique"),
        (pl.DataFrame({"record_id": ["a"], "id_no": ["x"]}), "unknown columns id_no"),
        (pl.DataFrame({"record_id": ["a"], "name": [["x"]]}), "columns name hold no text"),
    ],
)
def test_a_table_that_cannot_be_resolved_is_told_what_to_mend(
    tmp_path: Path, frame: pl.DataFrame, message: str
) -> None:
    frame.write_parquet(tmp_path / "in.parquet")
    code, said = run("residents", str(tmp_path / "in.parquet"), "--output", str(tmp_path / "out.parquet"))
    assert code == 1 and re.search(message, said) and not (tmp_path / "out.parquet").exists()


def test_no_file_and_no_parquet_and_no_folder_are_said(tmp_path: Path) -> None:
    out = ["--output", str(tmp_path / "out.parquet")]
    code, said = run("residents", str(tmp_path / "none.parquet"), *out)
    assert code == 1 and "there is no file" in said
    (tmp_path / "text.parquet").write_text("record_id\n1\n")
    code, said = run("residents", str(tmp_path / "text.parquet"), *out)
    assert code == 1 and "cannot be read as Parquet" in said
    code, said = run("residents", str(tmp_path / "none.parquet"), "--output", str(tmp_path / "no" / "out.parquet"))
    assert code == 1 and "there is no folder" in said
