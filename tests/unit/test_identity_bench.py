"""The measurement of residents: its added dirt is the same every time, and its figures by system add up."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from bench._identity_added import added_records
from bench._identity_dirt import NUMBERLESS, roughened
from bench._identity_run import Run
from bench.identity import by_numbers, by_system, ceiling, faster, medians
from resolution.sources import RESIDENT_SCHEMA

RECORDS = pl.DataFrame(
    {
        "system": ["a", "a", "b", "b"],
        "stream": "t",
        "record_key": ["1", "2", "3", "4"],
        "resident_id_no": ["11010519491231002X", None, "11010519491231002X", None],
        "name": ["王伟", "王伟", "王伟", "王伟"],
        "birth_date": [None, dt.date(1949, 12, 31), None, None],
        "phone": pl.Series([None, None, None, None], dtype=pl.String),
        "true": [1, 1, 1, 1],
    }
)
ALL = RECORDS.with_columns(
    pl.lit(None, dtype=kind).alias(name) for name, kind in RESIDENT_SCHEMA.items() if name not in RECORDS.columns
)


def test_the_ceiling_leaves_bare_names_alone() -> None:
    assert ceiling(ALL) == 3 / 6


def test_figures_by_system_are_of_the_pairs_that_touch_it() -> None:
    found = pl.DataFrame({"row": [0, 1, 2, 3], "cluster": [0, 0, 0, 3]})
    rows = {row["system"]: row["recall"] for row in by_system(ALL, found).rows(named=True)}
    # Six true pairs, three found; without a system only the pair of the other's own two records is left.
    assert rows == {"a": 3 / 5, "b": 2 / 5}


def test_added_dirt_is_the_same_every_time_and_takes_numbers() -> None:
    many = pl.concat([ALL.head(1)] * 2000).with_columns(phone=pl.lit("13912345670"))
    spoilt = roughened(many, 5)
    assert spoilt.equals(roughened(many, 5)) and not spoilt.equals(roughened(many, 6))
    lost = (spoilt["resident_id_no"].fill_null("") != many["resident_id_no"]).mean()
    assert abs(lost - NUMBERLESS) < 0.05
    bare = pl.concat([ALL.head(1)] * 100)
    assert roughened(bare, 5)["resident_id_no"].equals(bare["resident_id_no"]), "a bare name keeps its number"


def test_numbers_alone_find_what_has_one() -> None:
    assert by_numbers(ALL).recall == 1 / 6


def test_added_registers_are_the_same_every_time_and_know_whom_they_are_of(tmp_path: Path) -> None:
    people = pl.DataFrame(
        {
            "resident_id": range(1, 2001), "name": "王伟", "sex": "male", "birth_date": dt.date(1949, 12, 31),
            "id_no": "11010519491231002X", "phone": "13912345670", "former_phone": "13912345671",
            "address_id": 1, "former_address_id": None,
        },
        schema_overrides={"former_address_id": pl.Int64, "address_id": pl.Int64, "resident_id": pl.Int64},
    )  # fmt: skip
    people.write_parquet(tmp_path / "residents.parquet")
    doors = pl.DataFrame({"address_id": [1], "full_text": ["听澜镇碧水府14幢1单元604室"]})
    doors.write_parquet(tmp_path / "addresses.parquet")
    added = added_records(tmp_path, 5)
    assert added.equals(added_records(tmp_path, 5)) and not added.equals(added_records(tmp_path, 6))
    assert added.columns == [*RESIDENT_SCHEMA, "true"]
    assert added.height == added.select("system", "stream", "record_key").n_unique() and 2300 < added.height < 2700
    assert (added["record_key"].str.tail(9).cast(pl.Int64) == added["true"]).all()
    assert set(added["phone"]) == {"13912345670", "13912345671"} and added["name"].n_unique() == 2


def test_faster_is_the_peers_median_by_ours_with_its_training_and_without() -> None:
    def runs(*spent: tuple[float, float]) -> list[Run]:
        names = ("seconds", "core_seconds", "trained_seconds", "trained_core_seconds")
        return [Run(ALL, dict(zip(names, (a, 2 * a, b, 2 * b), strict=True))) for a, b in spent]

    ours, theirs = medians(runs((2, 0), (9, 0), (3, 0))), medians(runs((12, 6), (12, 7), (90, 6)))
    assert ours["seconds"] == 3 and theirs["trained_core_seconds"] == 12, "one slow run is no figure"
    assert faster(ours, theirs) == {
        "seconds": 4, "core_seconds": 4, "seconds_without_training": 2, "core_seconds_without_training": 2,
    }  # fmt: skip
