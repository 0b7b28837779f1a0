"""Pairs that are not weighed: none of them would have weighed enough, on whatever level of the model they are."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from resolution.residents import model
from resolution.residents.keys import COUNTED
from resolution.residents.promise import promising
from resolution.residents.town import town_of
from tests.unit.resolution.every_level import people


@pytest.mark.parametrize("least", [-20.0, -6.0, -3.0, 0.0, 6.0])
def test_what_is_not_weighed_weighs_too_little(least: float) -> None:
    rows, trained = people(), model.load()
    # Names are common, so that namesakes weigh little; one that nobody counts is never thrown away unweighed.
    others = pl.DataFrame({"name": ["王静"] * 4000 + ["王金"] * 300}).with_row_index("id", offset=rows.height)
    crowd = pl.concat([rows, others.with_columns(pl.col("id").cast(pl.Int64))], how="diagonal")
    town = town_of(crowd.select(*COUNTED, row="id"), crowd["id"])
    left, right = np.triu_indices(rows.height, 1)
    worth = promising(rows, trained, town, least=least)(left, right)
    ids = rows["id"].to_numpy()
    dropped = pl.DataFrame({"join_key_l": ids[left[~worth]], "join_key_r": ids[right[~worth]]})
    assert model.score(rows, dropped, trained, least=least, town=town).is_empty()
    assert dropped.height > 0 or least < -6, "the test would hold of what drops nothing"
