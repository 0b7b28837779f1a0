"""Where pairs of residents are weighed: by DuckDB in this process, or by a Spark cluster. Configuration chooses.

Both answer the same query over the same tables, so what is linked does not hang on where. All that comes before and
after (features, blocking, the union) is done here in either case, and so are training and explanations, which look at
samples and at a handful of records.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from warehouse.configuration import configured
from warehouse.settings import ConfigurationError

NAMES = ("duckdb", "spark")
_MASTER = re.compile(r"local(\[(\*|[1-9][0-9]*)\])?|spark://[^\s/]+:[0-9]+|yarn|k8s://\S+")


class BackendError(RuntimeError):
    """The configured backend is not to be had; the message says what to do."""


@dataclass(frozen=True)
class Backend:
    """`name` is one of `NAMES`; `master` the URL of Spark's master, or empty: the one that Spark is configured for."""

    name: str
    master: str = ""


def chosen() -> Backend:
    """The configured backend. Raises ConfigurationError."""
    name, master = configured("resolution.backend"), configured("resolution.spark.master")
    if name.value not in ("", *NAMES):
        raise ConfigurationError(f"{name.origin}: {name.value!r} is no backend; it is one of {', '.join(NAMES)}")
    if master.value and not _MASTER.fullmatch(master.value):
        raise ConfigurationError(
            f"{master.origin}: {master.value!r} is no master of Spark's; write local[2], spark://host:7077, yarn or "
            "k8s://https://host:6443"
        )
    return Backend(name.value or "duckdb", master.value)


def ask(query: str, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The rows that a query in DuckDB's SQL has of `tables` (name → rows), from the configured backend.

    Raises ConfigurationError, and BackendError where Spark is wanted and not to be had.
    """
    backend = chosen()
    if backend.name == "spark":
        from resolution.backends import on_spark

        return on_spark.ask(query, tables, backend.master)
    from resolution.backends import on_duckdb

    return on_duckdb.ask(query, tables)


def release() -> None:
    """Give back what is held of a cluster, if anything is; the next `ask` starts anew."""
    from resolution.backends import on_spark

    on_spark.stop()
