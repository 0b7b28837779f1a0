"""Queries by a Spark cluster, through Splink's `SparkAPI`, whose jar has the distances that Spark lacks.

The session starts with the first query (15 to 40 seconds) and serves until residents are linked. What is not set here
is left to Spark's own configuration (`spark-defaults.conf`): memory, encryption, how many executors.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

import polars as pl

from resolution.backends import BackendError, java, master_of_spark
from warehouse.settings import settings

ROWS_PER_TASK = 50_000
"""Spark's own 10,000 make a thousand tasks of a town's pairs; with many more a part outgrows what one message holds."""
SETTINGS = {
    "spark.app.name": "townhub",
    "spark.log.level": "ERROR",
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(ROWS_PER_TASK),
    # Days between two dates hang on no clock change then.
    "spark.sql.session.timeZone": "UTC",
    # Spark's page has no login, and listens to everybody.
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Its entries quote queries and plans, and with them what people are called.
    "spark.eventLog.enabled": "false",
}


def ask(query: str, tables: Mapping[str, pl.DataFrame], master: str) -> pl.DataFrame:
    """The rows of a query in DuckDB's SQL over `tables`, in no order. Texts it may compare, not return: `_bytewise`.

    Raises BackendError when there is no Spark, or it cannot answer.
    """
    session = _session(master)
    from splink.backends.spark import SparkAPI

    api = SparkAPI(spark_session=session, break_lineage_method="persist", register_udfs_automatically=False)
    views = list(tables)
    try:
        for name, table in tables.items():
            api.register(_bytewise(table).to_arrow(), table_name=name)
        answer = api.query_sql(spoken(query))
        views.append(answer.physical_name)
        found = pl.from_arrow(answer.as_pyarrow_table())
    except Exception as error:  # Spark's message may quote rows
        kind = type(error).__name__
        raise BackendError(f"Spark could not weigh the pairs ({kind}); the logs of its executors say why") from None
    finally:
        for view in views:
            session.catalog.dropTempView(view)
    assert isinstance(found, pl.DataFrame)
    return found


def spoken(query: str) -> str:
    """A query in DuckDB's SQL as Spark says it."""
    import sqlglot

    return str(sqlglot.parse_one(query, read="duckdb").transform(_sifted).sql("spark"))


def _sifted(node: Any) -> Any:
    """A bound on the jar's distance, behind twice that bound on Spark's own, which tells texts far apart much sooner.

    Both count the same edits, but what is one to the jar, two letters changing places, is two to Spark.
    """
    from sqlglot import exp

    if not isinstance(node, exp.LTE) or node.this.name != "damerau_levenshtein":
        return node
    left, right = (side.copy() for side in node.this.expressions)
    near = exp.LTE(
        this=exp.Levenshtein(this=left, expression=right), expression=exp.Literal.number(2 * int(node.expression.name))
    )
    return exp.paren(exp.and_(near, node.copy()))


def require() -> None:
    """Raises BackendError, with its remedy, when this machine has not what Spark takes."""
    if importlib.util.find_spec("pyspark") is None:
        raise BackendError(
            "resolution.backend is spark, and pyspark is not installed: in the clone, .venv/bin/python -m pip install "
            "-e '.[spark]'; or set resolution.backend to duckdb"
        )
    java.require()


def stop() -> None:
    """End the session, if there is one, and give back what it holds of the cluster."""
    if _session.cache_info().currsize:
        from pyspark.sql import SparkSession

        session = SparkSession.getActiveSession()
        if session is not None:
            session.stop()
        _session.cache_clear()


@cache
def _session(master: str) -> Any:
    """Spark's session with Splink's functions."""
    require()
    master_of_spark.answers(master)
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession
    from splink.backends.spark import SparkAPI, similarity_jar_location

    # No pandas comes between: tables travel as Arrow.
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
    wanted = SETTINGS | {
        "spark.jars": similarity_jar_location(),
        # Nothing is written there; but Spark makes the folder, by default where the process stands.
        "spark.sql.warehouse.dir": str(settings().home / "work" / "spark"),
    }
    if master:
        wanted["spark.master"] = master
    if master.startswith("local"):
        wanted |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    try:
        session = SparkSession.builder.config(map=wanted).getOrCreate()
    except (PySparkException, OSError) as error:
        raise BackendError(f"Spark does not start at {master or 'its master'}: {master_of_spark.REMEDY}") from error
    master_of_spark.gives_an_executor(session)
    SparkAPI(spark_session=session, break_lineage_method="persist")
    if not session.catalog.functionExists("damerau_levenshtein"):
        raise BackendError("Spark has not loaded Splink's jar: let no other session of Spark run in this process")
    return session


def _bytewise(table: pl.DataFrame) -> pl.DataFrame:
    """Texts with one character for each byte: DuckDB's distances count bytes, those of Splink's jar characters.

    Two texts are the same before if and only if they are after. Most of what is compared loosely is plain letters and
    digits anyway; a rare character without a pinyin is not.
    """
    texts = [name for name, kind in table.schema.items() if kind == pl.String]
    return table.with_columns(_one_per_byte(table[name]) for name in texts)


def _one_per_byte(texts: pl.Series) -> pl.Series:
    distinct = texts.unique()
    wide = distinct.filter(distinct.str.len_bytes() != distinct.str.len_chars())
    plain = pl.Series([text.encode("utf-8").decode("latin-1") for text in wide], dtype=pl.String)
    return texts.replace(wide, plain) if wide.len() else texts
