"""What the warehouse finds residents' records by, and counts how often their values occur: keys of values."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow.compute as pc

from resolution.residents.blocking import RULES
from resolution.residents.coding import keys_of, looked_up, tally
from resolution.residents.features import given_names
from resolution.residents.hashes import hashed

NUMBER = "valid number"
DOOR = "door"
BLOCKS = RULES | {DOOR: ("door",)}
"""Blocks that are kept: those of every rule, and who lives behind one door (`household`)."""
COUNTED = ("name", "pinyin", "surname", "birth", "phone", "door", "building", "community")
"""Columns whose values are weighed by how often they occur."""
TRAITS = ("key", "loose", "year", "sound", "given")
"""A block; whether a row in it has no number; its year of birth; its name as it sounds, and without the surname."""


def block_keys(people: pl.DataFrame) -> pl.DataFrame:
    """row, key: the blocks of every rule that the rows are in."""
    return _long(people, RULES, people.select("row"))


def meetings(people: pl.DataFrame) -> pl.DataFrame:
    """row and `TRAITS` of the rows in the blocks of every rule: what tells which rows of one block may be one person.

    What else is compared of a pair may make it likelier, but nothing makes up for these (`linking.possible`).
    """
    return _long(people, RULES, pl.concat([people.select("row"), _traits(people)], how="horizontal"))


def entity_blocks(people: pl.DataFrame, entities: pl.Series) -> pl.DataFrame:
    """entity and `TRAITS`, each once, of the rows in all `BLOCKS`; `entities` are int64 below 2²⁷.

    Most rows of an entity say the same, so what they say is told apart by codes and hashed once.
    """
    told = _traits(people)
    sound, given, year = (told[name].cast(pl.Int64).fill_null(-1).to_numpy() for name in ("sound", "given", "year"))
    name = _numbered(pl.Series(sound << 32 | given & 0xFFFFFFFF))
    loose = told["loose"].cast(pl.Int64).to_numpy()
    who = pl.Series(entities.to_numpy() << 36 | name << 13 | (year & 0xFFF) << 1 | loose)
    told = told.with_columns(entity=entities)
    made = []
    for rule, columns in BLOCKS.items():
        once = pl.DataFrame({"who": who, "value": keys_of(people, columns)}).with_row_index("at").drop_nulls("value")
        at = once.unique(["who", "value"], keep="first")["at"].sort()
        made.append(told[at].with_columns(hashed(people.select(columns)[at], rule, columns).alias("key")))
    return pl.concat(made)


def _traits(people: pl.DataFrame) -> pl.DataFrame:
    """`TRAITS` but for the block. What follows from the name is hashed once for each."""
    names = people.select("name", "sound").unique("name", keep="any").drop_nulls("name")
    given = names.select(given=given_names(names["name"]))
    short = pl.DataFrame(
        {"sound": _short(hashed(names, "sound", ("sound",))), "given": _short(hashed(given, "given", ("given",)))}
    )
    told = people.select(loose=pl.col("number").is_null(), year=pl.col("birth_year").cast(pl.Int16))
    return pl.concat([told, looked_up(names["name"], short, people["name"])], how="horizontal")


def number_keys(people: pl.DataFrame, *also: str) -> pl.DataFrame:
    """row, key and the columns `also` of every valid number, likely another person's or not."""
    return _long(people, {NUMBER: ("number",)}, people.select("row", *also)).select("row", *also, "key")


def household_keys(people: pl.DataFrame) -> pl.Series:
    """Keys of the blocks of the people's telephones and doors."""
    return _long(people, {rule: BLOCKS[rule] for rule in ("phone", DOOR)}, people.select("row"))["key"]


def counted_keys(people: pl.DataFrame, label: str) -> pl.DataFrame:
    """key, entities: in how many groups of rows (those of one `label`) each value counted occurs, or one of its column.

    A value is hashed once, however many rows have it.
    """
    groups = _numbered(people[label])
    made = []
    for column in COUNTED:
        values, total = tally(groups, people[column])
        keyed = values.select(hashed(values, column, (column,)).alias("key"), entities="count")
        made += [keyed, pl.DataFrame({"key": [total_key(column)], "entities": [total]})]
    return pl.concat(made).filter(pl.col("entities") > 0)


@cache
def total_key(column: str) -> int:
    """Under which all values of a column are counted together."""
    return int(hashed(pl.DataFrame({"of": ["all"]}), column, ("of", "of")).item())


def _numbered(values: pl.Series) -> npt.NDArray[np.int64]:
    """Each value's place among the distinct ones. By way of polars: pyarrow's own way to numpy loads pandas."""
    return pl.Series(pc.dictionary_encode(values.to_arrow()).indices, dtype=pl.Int64).to_numpy()


def _short(keys: pl.Series) -> pl.Series:
    """32 bits of them."""
    return (keys & 0x7FFFFFFF).cast(pl.Int32)


def _long(people: pl.DataFrame, rules: dict[str, tuple[str, ...]], told: pl.DataFrame) -> pl.DataFrame:
    """key, and what is `told` of each of the people, once for each rule whose columns they have."""
    keyed = (told.with_columns(hashed(people, rule, columns).alias("key")) for rule, columns in rules.items())
    return pl.concat([frame.filter(pl.col("key").is_not_null()) for frame in keyed])
