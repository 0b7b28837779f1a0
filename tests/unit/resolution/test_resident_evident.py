"""What two statements settle: joined unweighed only where weighing would join it too, and never against a third."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from resolution.residents import model
from resolution.residents.coding import CODED
from resolution.residents.evident import BESIDE, SURE, evident
from tests.unit.resolution.every_level import people

COLUMNS = ("number", "name", "phone", "birth", "door", "typed", "typed_ends", "gender")
HERS = {"name": "欧阳静", "phone": "13912345670"}


def rows(*records: dict[str, Any]) -> pl.DataFrame:
    schema = {"row": pl.Int64, **dict.fromkeys(COLUMNS, pl.String), "birth_year": pl.Int32}
    frame = pl.DataFrame([{"row": at} | one for at, one in enumerate(records)], schema=schema, orient="row")
    return frame.with_columns(pl.col(COLUMNS).cast(CODED))


def joined(people: pl.DataFrame, *, largest: int = 60, changed: list[int] | None = None) -> list[int]:
    some = None if changed is None else pl.Series(changed, dtype=pl.Int64)
    found = evident(people, people["row"].rename("cluster"), model.load(), largest=largest, changed=some)
    return found.to_list()


def test_a_name_with_a_telephone_a_birthday_a_door_or_a_masked_number_settles_it() -> None:
    number = "330199197503050018"
    told = {
        "phone": "13912345670",
        "birth": "19750305",
        "door": "瑞景|3幢|2|501",
        "typed_ends": number[:6] + number[-4:],
    }
    assert set(told) == set(BESIDE)
    hers = {"number": number, "typed": number, "name": "欧阳静"} | told
    for column, value in told.items():
        assert joined(rows(hers, {"name": "欧阳静", column: value})) == [0, 0], column
        assert joined(rows(hers, {"name": "欧阳敬", column: value})) == [0, 1], "another name"
    assert joined(rows(hers, {"name": "欧阳静"})) == [0, 1], "a name alone"


def test_two_of_one_name_and_telephone_who_contradict_each_other_are_weighed() -> None:
    assert joined(rows(HERS, HERS)) == [0, 0]
    for one, other in (({"gender": "male"}, {"gender": "female"}), ({"birth_year": 1950}, {"birth_year": 1975}),
                       ({"number": "a"}, {"number": "b"})):  # fmt: skip
        assert joined(rows(HERS | one, HERS | other, HERS)) == [0, 1, 2]


def test_two_whole_numbers_with_the_same_ends_are_weighed() -> None:
    ends = {"name": "欧阳静", "typed_ends": "3301990018"}
    assert joined(rows(ends, ends | {"typed": "330199197503050018"})) == [0, 0]
    assert joined(rows(ends | {"typed": "330199198211200018"}, ends | {"typed": "330199197503050018"})) == [0, 1]


def test_a_group_that_is_too_large_is_weighed_and_so_is_one_of_which_nothing_changed() -> None:
    people = rows(HERS, HERS, HERS)
    assert joined(people, largest=2) == [0, 1, 2]
    assert joined(people, changed=[]) == [0, 1, 2]
    assert joined(people, changed=[2]) == [0, 0, 0]


def test_a_person_found_before_counts_for_all_the_records_that_weights_brought() -> None:
    hers = HERS | {"number": "330199197503050018"}
    people = rows(HERS, HERS, HERS, hers, hers, HERS)
    standing = pl.Series("cluster", [0, 0, 0, 0, 0, 5])

    def grown(largest: int) -> list[int]:
        return evident(people, standing, model.load(), largest=largest, changed=pl.Series([5])).to_list()

    assert grown(5) == [0, 0, 0, 0, 0, 0], "those of her number are one"
    assert grown(4) == [0, 0, 0, 0, 0, 5]


def test_what_is_joined_would_weigh_enough_on_whatever_level_the_rest_is() -> None:
    """Of one sex and year, for others are weighed; pairs of which one statement alone is the same are not looked at."""
    alike = pl.col("gender").eq_missing("female") & (pl.col("birth_year") == 1962)
    some = people().filter(alike | pl.col("gender").is_null()).with_columns(row="id", number=pl.lit(None, pl.String))
    some = some.with_columns(pl.col(pl.String).cast(CODED))
    groups = evident(some, some["cluster"], model.load(), largest=some.height)
    left, right = (pl.Series(places) for places in np.triu_indices(some.height, 1))
    both = pl.concat([some[left], some[right].select(pl.all().name.suffix("_r"))], how="horizontal")
    twice = (pl.col("name") == pl.col("name_r")) & pl.any_horizontal(pl.col(n) == pl.col(f"{n}_r") for n in BESIDE)
    met = both.with_columns(together=groups[left] == groups[right]).filter(pl.col("together") & twice)
    assert met.height > 10
    pairs = met.select(join_key_l="id", join_key_r="id_r")
    assert model.score(some, pairs, model.load(), least=SURE).height == pairs.height


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "number": st.sampled_from([None, None, "a", "b"]),
                "name": st.sampled_from([None, "欧阳静", "司马玉"]),
                "phone": st.sampled_from([None, "13912345670", "13812345671"]),
                "door": st.sampled_from([None, "瑞景|3幢|2|501", "瑞景|3幢|2|502"]),
                "gender": st.sampled_from([None, "male", "female"]),
                "birth_year": st.sampled_from([None, 1975, 1976]),
            }
        ),
        max_size=12,
    )
)
def test_no_group_has_two_numbers_sexes_or_years_and_each_has_its_smallest_row_s_name(
    records: list[dict[str, Any]],
) -> None:
    people = rows(*records)
    found = people.with_columns(cluster=pl.Series(joined(people), dtype=pl.Int64))
    told = found.group_by("cluster").agg(
        pl.col("number", "gender", "birth_year").drop_nulls().n_unique(), first=pl.col("row").min()
    )
    assert told.filter(pl.any_horizontal(pl.col("number", "gender", "birth_year") > 1)).is_empty()
    assert (told["first"] == told["cluster"]).all()
