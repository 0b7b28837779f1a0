"""The probabilistic model (Fellegi–Sunter, by Splink): how much agreements and contradictions of two records weigh.

The weights live in `resolution/models/residents.json`, trained without any answers, and change only by
`townhub resolve train`. How often a value occurs is counted anew in every run, for a rare name says more than 王伟.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from resolution.backends import on_duckdb
from resolution.residents.coding import CODED, as_texts, spread
from resolution.residents.keys import COUNTED
from resolution.residents.town import LEAST, Town, town_of
from resolution.residents.weights import weigh

PATH = Path(__file__).parents[1] / "models" / "residents.json"
COMPARED = ("id", "name", "pinyin", "surname", "birth", "birth_year", "gender", "phone", "door", "building",
            "community", "typed", "typed_ends")  # fmt: skip


class ModelError(RuntimeError):
    """The saved model cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Model:
    """Splink's settings with weights, and how many true partners a row had in training (for the prior)."""

    settings: dict[str, Any]
    partners_per_row: float

    def sized(self, rows: int) -> dict[str, Any]:
        """Settings with the prior of a table of so many rows: the larger it is, the less likely are two alike."""
        prior = 2 * self.partners_per_row / max(rows, LEAST)
        return self.settings | {"probability_two_random_records_match": prior}


def load(path: Path = PATH) -> Model:
    """Raises ModelError when there is no model or it is not one."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        return Model(saved["settings"], float(saved["partners_per_row"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"the model {path.name} cannot be read ({type(error).__name__}): restore it from the repository, or make "
            "one with `townhub resolve train INPUT.parquet`"
        ) from error


def save(model: Model, path: Path = PATH) -> None:
    document = {"partners_per_row": model.partners_per_row, "settings": model.settings}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def score(
    rows: pl.DataFrame, pairs: pl.DataFrame, model: Model, *, least: float, town: Town | None = None
) -> pl.DataFrame:
    """a, b (ids, a < b) and weight (log2 of the odds) of those `pairs` that weigh at least `least`.

    `rows` has cluster and `COMPARED`; `pairs` is of `blocking.candidate_pairs`. Where `rows` is only a part of the
    town, `town` is the whole, of which values are counted.
    """
    if pairs.is_empty():
        return pl.DataFrame(schema={"a": pl.Int64, "b": pl.Int64, "weight": pl.Float64})
    town = _alone(rows) if town is None else town
    met = pl.concat([pairs["join_key_l"], pairs["join_key_r"]]).unique().rename("id").to_frame()
    compared = rows.select(COMPARED).join(met, on="id", how="semi").with_columns(pl.col(COUNTED).cast(CODED))
    shares = town.shares_of({column: compared[column] for column in COUNTED})
    compared = compared.with_columns(
        spread(found[column], found[f"tf_{column}"], compared[column]) for column, found in shares.items()
    )
    return weigh(compared, pairs, model.sized(town.size()), least=least)


def _alone(rows: pl.DataFrame) -> Town:
    return town_of(rows.select(*COUNTED, row="id"), rows["cluster"])


def predict(
    rows: pl.DataFrame,
    pairs: pl.DataFrame,
    settings: dict[str, Any],
    columns: Sequence[str],
    *,
    least: float | None = None,
    counted: Sequence[str] = COUNTED,
) -> pl.DataFrame:
    """a, b and the columns of Splink's prediction that are named, as floats, for `pairs`: for explanations.

    `counted` are the columns that `settings` weigh by how often a value occurs.
    """
    api, linker = connect(rows, settings)
    town = town_of(rows.select(*counted, row="id"), rows["cluster"], counted)
    for column in counted:
        linker.table_management.register_term_frequency_lookup(
            api.register(as_texts(town.shares(column)).to_arrow()), column
        )
    keyed = pairs.with_columns(match_key=pl.lit("0"))
    linker.table_management.register_blocked_pairs_for_predict(api.register(keyed.to_arrow()))
    found = linker.inference.predict(threshold_match_weight=least, warning_mode="never")
    wanted = ", ".join(["id_l AS a", "id_r AS b", *columns])
    table = api.duckdb_con.sql(f"SELECT {wanted} FROM {found.physical_name}").to_arrow_table()
    api.duckdb_con.close()
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame.select(pl.col("a", "b").cast(pl.Int64), pl.col(*columns).cast(pl.Float64))


def connect(rows: pl.DataFrame, settings: dict[str, Any]) -> tuple[Any, Any]:
    """Splink's database (whose connection the caller closes) and a linker over `rows`."""
    from splink import DuckDBAPI, Linker  # half a second that most commands need not pay

    api = DuckDBAPI(connection=on_duckdb.database())
    return api, Linker(api.register(as_texts(rows).to_arrow()), settings, log_level=None)
