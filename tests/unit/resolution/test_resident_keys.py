"""Keys of values: the same on every machine, and a town of which a part is at hand counts as the whole one."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from resolution.residents import keys
from resolution.residents import town as town_module
from resolution.residents.features import features
from resolution.residents.hashes import hashed
from resolution.residents.keys import COUNTED, TRAITS, counted_keys, entity_blocks, meetings
from resolution.residents.town import Elsewhere, town_of
from tests.unit.resolution.test_changes import table, town


def test_a_key_is_the_same_on_every_machine() -> None:
    rows = pl.DataFrame({"surname": ["王", None], "year": [1975, 1975]})
    assert hashed(rows, "rule", ("surname", "year")).to_list() == [124090486350643599, None]
    assert hashed(rows, "another rule", ("surname", "year"))[0] != hashed(rows, "rule", ("surname", "year"))[0]


def test_values_count_as_often_in_a_part_of_the_town_as_in_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town_module, "LEAST", 1)
    people = features(town(3))
    clusters = people["row"] // 3
    here = people["row"] % 6 < 3
    counts = counted_keys(people.filter(~here).with_columns(who=clusters.filter(~here)), "who")
    rest = Elsewhere(clusters.filter(~here).n_unique(), lambda keys: counts.filter(pl.col("key").is_in(keys.implode())))
    whole = town_of(people, clusters)
    part = town_of(people.filter(here), clusters.filter(here), elsewhere=rest)
    assert part.size() == whole.size()
    for column in COUNTED:
        wanted = people.filter(here)[column].drop_nulls().unique()
        told, all_told = (each.shares(column, wanted).sort(column) for each in (part, whole))
        assert told[column].to_list() == all_told[column].to_list()
        assert np.allclose(told[f"tf_{column}"], all_told[f"tf_{column}"])


def test_rows_meet_by_every_rule_whose_values_they_have() -> None:
    people = features(table({"name": "王伟", "phone": "13912345670"}, {"name": "王伟"}, {"phone": "13912345670"}))
    met = meetings(people)
    shared = met.join(met, on="key").filter(pl.col("row") < pl.col("row_right")).select("row", "row_right").unique()
    assert set(shared.rows()) == {(0, 1), (0, 2)}
    assert met["loose"].all() and met["year"].null_count() == met.height


def test_blocks_of_entities_are_those_of_all_their_rows_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told apart by codes: the same as by the hashes of every row, for two names of one sound and for no name, too."""
    odd = ({"name": "章伟"}, {"name": "张伟"}, {"name": "张伟"}, {"name": "伟"}, {"phone": "13912345670"})
    people = features(pl.concat([town(2), table(*odd)]))
    entities = people["row"] // 4
    monkeypatch.setattr(keys, "RULES", keys.BLOCKS)
    every = meetings(people).with_columns(entity=pl.col("row") // 4).select("entity", *TRAITS)
    found = entity_blocks(people, entities).select("entity", *TRAITS)
    assert found.height < every.height
    assert sorted(found.rows(), key=repr) == sorted(set(every.rows()), key=repr)


@pytest.mark.parametrize("seed", range(3))
def test_what_was_counted_holds_for_the_clusters_that_were_not_joined(seed: int) -> None:
    people = features(town(seed))
    rng = np.random.default_rng(seed)
    first = people.select("row", cluster=pl.Series(rng.integers(0, 80, people.height)))
    joined = pl.Series(rng.integers(0, 40, 80)).gather(first["cluster"])
    second = first.with_columns(cluster=joined).filter(joined < 25)
    known = town_of(people, first["cluster"])
    known.shares_of(dict.fromkeys(COUNTED[:4]))
    grouped = known.grouped(second)
    anew = town_of(people, grouped.held["cluster"])
    for column in COUNTED:
        assert grouped.shares(column).sort(column).equals(anew.shares(column).sort(column))
    assert not known.shares("name").sort("name").equals(grouped.shares("name").sort("name"))


def test_what_is_kept_is_made_without_pandas() -> None:
    """To load it takes longer than to make the blocks of a month's news."""
    made = (
        "import sys, polars as pl; from tests.unit.resolution.test_changes import town;"
        "from resolution.residents import keys; from resolution.residents.features import features;"
        "people = features(town(1)).with_columns(entity_key=pl.lit('R'));"
        "keys.entity_blocks(people, people['row']); keys.counted_keys(people, 'entity_key');"
        "sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", made], check=False).returncode == 0
