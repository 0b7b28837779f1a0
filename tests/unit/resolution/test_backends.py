"""Which backend weighs pairs, what is said when it is not to be had, and that its query is Spark's too."""

from __future__ import annotations

import importlib.util
import os
import socket
from itertools import product
from pathlib import Path

import duckdb
import polars as pl
import pytest
import sqlglot
from sqlglot import exp

from resolution import backends
from resolution.backends import Backend, BackendError, java, master_of_spark, on_spark
from resolution.residents import model, weights
from resolution.residents.model import COMPARED
from warehouse.settings import ConfigurationError

BACKEND, MASTER = "TOWNHUB_RESOLUTION_BACKEND", "TOWNHUB_RESOLUTION_SPARK_MASTER"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path))
    for name in (BACKEND, MASTER, "JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_duckdb_unless_configured_otherwise() -> None:
    assert backends.chosen() == Backend("duckdb")


@pytest.mark.parametrize("master", ["local", "local[2]", "local[*]", "spark://10.1.2.3:7077", "spark://a:7077,b:7077",
                                    "yarn", "k8s://https://host:6443", ""])  # fmt: skip
def test_spark_and_its_master_are_configured(monkeypatch: pytest.MonkeyPatch, master: str) -> None:
    monkeypatch.setenv(BACKEND, "spark")
    monkeypatch.setenv(MASTER, master)
    assert backends.chosen() == Backend("spark", master)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        (BACKEND, "sparc", "TOWNHUB_RESOLUTION_BACKEND: 'sparc' is no backend; it is one of duckdb, spark"),
        (
            MASTER,
            "10.1.2.3:7077",
            r"TOWNHUB_RESOLUTION_SPARK_MASTER: '10\.1\.2\.3:7077' is no master.*spark://host:7077",
        ),
        (MASTER, "local[0]", r"is no master.*local\[2\]"),
        (MASTER, "spark://host", "is no master"),
    ],
)
def test_a_mistake_names_the_setting_and_what_may_stand_there(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=told):
        backends.ask("SELECT 1 AS one", {})


def test_without_pyspark_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BACKEND, "spark")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyspark" else find(name))
    with pytest.raises(BackendError, match=r"pyspark is not installed: .*pip install -e '\.\[spark\]'.*to duckdb"):
        backends.ask("SELECT 1 AS one", {})


def with_java(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str | None) -> None:
    """A PATH whose only program is a java that runs `script`."""
    if script is not None:
        (folder / "java").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "java").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (None, "there is none on the PATH: install Java 17"),
        ("""echo 'openjdk version "11.0.2" 2019-01-15' >&2""", "is Java 11: install Java 17 or newer"),
        ("""echo 'java version "1.8.0_402"' >&2""", "is Java 8: install"),
        ("echo hello", "does not tell its version: install"),
    ],
)
def test_without_a_fitting_java_the_message_says_which_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str | None, told: str
) -> None:
    with_java(monkeypatch, tmp_path, script)
    with pytest.raises(BackendError, match=told):
        java.require()


def test_java_home_comes_before_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    with_java(monkeypatch, tmp_path / "bin", """echo 'openjdk version "21" 2023-09-19' >&2""")
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert java.require() == 21
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    with pytest.raises(BackendError, match=r"gone/bin/java does not run: .*JAVA_HOME"):
        java.require()


def test_a_master_that_does_not_answer_is_told_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(BackendError, match=f"nothing answers at spark://{dead}: see that it and its workers run"):
            master_of_spark.answers(f"spark://{dead}")
        with socket.create_server(("127.0.0.1", 0)) as alive:
            # One of several masters is enough.
            master_of_spark.answers(f"spark://{dead},127.0.0.1:{alive.getsockname()[1]}")
    master_of_spark.answers("local[2]")


def test_what_the_model_asks_is_known_to_spark() -> None:
    columns = [*COMPARED, *(f"tf_{name}" for name in COMPARED)]
    tree = sqlglot.parse_one(on_spark.spoken(weights._query(columns, model.load().sized(1), -6.0)), read="spark")
    # Beside what SQLGlot knows of both, the one function that Splink's jar brings.
    assert {call.name for call in tree.find_all(exp.Anonymous)} <= {"DAMERAU_LEVENSHTEIN", "damerau_levenshtein"}
    assert "strptime" not in tree.sql("spark").lower() and "::" not in tree.sql("spark")


def test_spark_asks_its_own_distance_first_which_is_at_most_twice_the_jars() -> None:
    said = on_spark.spoken("SELECT damerau_levenshtein(x_l, x_r) <= 2 AS near FROM sides")
    assert said == "SELECT (LEVENSHTEIN(x_l, x_r) <= 4 AND DAMERAU_LEVENSHTEIN(x_l, x_r) <= 2) AS near FROM sides"
    words = ["".join(letters) for n in range(5) for letters in product("abc", repeat=n)]
    both = pl.DataFrame({"x": words}).join(pl.DataFrame({"y": words}), how="cross")
    beyond = "count_if(levenshtein(x, y) > 2 * damerau_levenshtein(x, y))"
    database = duckdb.connect()
    database.register("words", both.to_arrow())
    assert database.sql(f"SELECT {beyond}, count(*) FROM words").fetchall() == [(0, len(words) ** 2)]


def test_letters_that_are_several_bytes_are_as_far_apart_for_spark_as_for_duckdb() -> None:
    """DuckDB counts bytes: what Spark is given has as many characters as DuckDB sees bytes, and is as equal."""
    texts = pl.Series(["wang𬱖", "wang龘", "wang", None, "", "naïve", "wang龘"])
    found = on_spark._bytewise(texts.to_frame("x"))["x"]
    assert found.str.len_chars().to_list() == texts.str.len_bytes().to_list()
    assert found.n_unique() == texts.n_unique()
    assert found.gather([2, 3, 4]).to_list() == ["wang", None, ""] and found[1] == found[6]
    # One byte of three differs between the two letters.
    apart = duckdb.sql("SELECT damerau_levenshtein('a龘b', 'a齾b')").fetchall()[0][0]
    first, second = (on_spark._one_per_byte(pl.Series([text]))[0] for text in ("a龘b", "a齾b"))
    assert apart == sum(a != b for a, b in zip(first, second, strict=True)) == 2
