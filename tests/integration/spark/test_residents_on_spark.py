"""Residents come out of a Spark cluster as they come out of DuckDB: same query, same weights, same links."""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import polars.testing
import pytest

from connectors.standards import resident_id
from resolution import backends
from resolution.backends import BackendError, java, master_of_spark, on_spark
from resolution.residents import cluster as resolved
from resolution.residents import model, table
from resolution.residents.blocking import candidate_pairs
from resolution.residents.features import features
from resolution.residents.representatives import representatives
from tests.integration.spark.cluster import cluster, environment
from tests.unit.resolution.every_level import all_pairs, people
from warehouse.settings import REPOSITORY

MASTER = "TOWNHUB_RESOLUTION_SPARK_MASTER"
BACKEND = "TOWNHUB_RESOLUTION_BACKEND"
PEOPLE = 400
GIVEN = ("伟", "芳", "秀英", "小明", "建国", "丽丽", "子涵", "志强", "桂花", "文博")


def missing() -> str:
    if importlib.util.find_spec("pyspark") is None:
        return (
            "pyspark is an extra that the hub does not need by default; .venv/bin/python -m pip install -e '.[spark]' "
            "adds it, and then this is tested"
        )
    try:
        java.require()
    except BackendError as error:
        return str(error)
    return ""


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


def town(seed: int = 1) -> pl.DataFrame:
    """Some 1,600 records of 400 people, as a table of `resolution.residents.table`: with slips, and much left out."""
    rng = np.random.default_rng(seed)
    born = [dt.date(1950, 1, 1) + dt.timedelta(days=int(days)) for days in rng.integers(0, 22000, PEOPLE)]
    serials = pl.Series(rng.integers(1, 990, PEOPLE))
    numbers = resident_id.make(pl.Series(["330199"] * PEOPLE), pl.Series(born), serials)
    rows: list[dict[str, Any]] = []
    for person in range(PEOPLE):
        phone = f"139{rng.integers(10**7, 10**8)}"
        given = str(rng.choice(GIVEN))
        whole = {"name": str(rng.choice(list("王李张刘陈杨黄赵"))) + given, "resident_id_no": numbers[person],
                 "birth_date": born[person], "phone": phone, "sex": (numbers[person][16] in "13579" and "男") or "女",
                 "address": f"锦绣苑{person % 40 + 1}幢1单元{person % 60 + 101}室",
                 "community": f"c{person % 5}"}  # fmt: skip
        slips = {"birth_date": born[person] - dt.timedelta(days=int(rng.integers(1, 60))), "phone": phone[:-1] + "0",
                 "resident_id_no": whole["resident_id_no"][:-1] + "*"}  # fmt: skip
        for _ in range(rng.integers(2, 7)):
            told = {field: value for field, value in whole.items() if field == "name" or rng.random() < 0.6}
            # Two letters have no reading: three bytes apart for DuckDB, they would be one character apart for Spark.
            slips["name"] = whole["name"][0] + str(rng.choice(["𰀀", "𮯠", "微", "小名"]))
            told |= {field: value for field, value in slips.items() if field in told and rng.random() < 0.2}
            rows.append(told | {"record_id": str(len(rows))})
    return pl.DataFrame(rows, infer_schema_length=None)


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The URL of a cluster's master, and the folder that its processes write to."""
    folder = tmp_path_factory.mktemp("spark")
    with cluster(folder) as url:
        yield url, folder


@pytest.fixture
def on_the_cluster(spark: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    url, folder = spark
    for name, value in {**environment(folder), BACKEND: "spark", MASTER: url}.items():
        monkeypatch.setenv(name, value)
    yield
    on_spark.stop()


def weighed(records: pl.DataFrame) -> pl.DataFrame:
    """Every pair that blocking makes of single records, however little it weighs."""
    people = features(records)
    rows = representatives(people, people.select("row", cluster="row"))
    pairs, _ = candidate_pairs(rows)
    return model.score(rows, pairs, model.load(), least=-1e9).sort("a", "b")


def test_weights_and_links_are_those_of_duckdb(on_the_cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    records = table.records(town())
    with monkeypatch.context() as here:
        here.setenv(BACKEND, "duckdb")
        weights, links = weighed(records), resolved(records)
    assert backends.chosen().name == "spark"
    theirs = weighed(records)
    assert weights.height > 10_000
    pl.testing.assert_frame_equal(theirs, weights, check_exact=True)
    assert on_spark._session.cache_info().currsize == 1
    found = resolved(records)
    assert on_spark._session.cache_info().currsize == 0, "the cluster is given back"
    assert found.assigned.equals(links.assigned) and found.doubtful.equals(links.doubtful)
    assert set(links.assigned["link_kind"]) == {"exact", "probabilistic", "probable", "single"}


def test_every_level_weighs_what_it_weighs_on_duckdb(on_the_cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = people()
    found = []
    for backend in ("duckdb", "spark"):
        monkeypatch.setenv(BACKEND, backend)
        found.append(model.score(rows, all_pairs(rows), model.load(), least=-1e9).sort("a", "b"))
    pl.testing.assert_frame_equal(*found, check_exact=True)


def test_the_command_links_on_the_cluster_that_the_hubs_file_names(spark: tuple[str, Path], tmp_path: Path) -> None:
    url, folder = spark
    town(2).write_parquet(tmp_path / "people.parquet")
    words = ["resolve", "residents", str(tmp_path / "people.parquet"), "--json", "--output"]
    (tmp_path / "townhub.yaml").write_text(f"resolution:\n  backend: spark\n  spark:\n    master: {url}\n")
    plain = {name: value for name, value in os.environ.items() if name not in (BACKEND, MASTER)}
    plain |= environment(folder) | {"TOWNHUB_HOME": str(tmp_path)}
    told = []
    for backend in ({BACKEND: "duckdb"}, {}):
        out = tmp_path / f"links-{len(backend)}.parquet"
        done = subprocess.run(
            [sys.executable, "-m", "orchestration.cli", *words, str(out)],
            cwd=REPOSITORY, env=plain | backend, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        told.append((done.stdout, pl.read_parquet(out)))
    assert told[0][0] == told[1][0] and told[0][1].equals(told[1][1])
    assert "Registered app townhub" in (folder / "Master.log").read_text()


def test_a_cluster_without_workers_is_given_up(
    on_the_cluster: None, spark: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # More memory than its worker has: it is never given an executor.
    monkeypatch.setitem(on_spark.SETTINGS, "spark.executor.memory", "3g")
    monkeypatch.setattr(master_of_spark, "PATIENCE", 5.0)
    with pytest.raises(BackendError, match=r"has run nothing for us in 5 seconds.*its workers"):
        backends.ask("SELECT 1 AS one", {})
