"""Columns that residents are compared by, computed once for all records with polars.

Chinese characters never reach DuckDB's string distances, for those count bytes: what is compared loosely is pinyin
and digits.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from connectors.standards import address, person_name, phone, resident_id

COLUMNS = (
    "row", "number", "typed", "typed_ends", "typed_head", "typed_tail", "name", "pinyin", "surname", "sound", "day",
    "birth", "birth_year", "gender", "phone", "door", "building", "community",
)  # fmt: skip
_UNKNOWN = ["", "unknown", "unstated"]
_SEXES = {"1": "male", "2": "female", "男": "male", "女": "female", "M": "male", "F": "female"}
_READABLE = r"^[0-9]{6}[0-9X*]{5,12}$"
"""What was typed for a number, when it is long enough to compare: some of it may be masked or wrong."""


def features(records: pl.DataFrame) -> pl.DataFrame:
    """`COLUMNS` of records of `resolution.sources.RESIDENT_SCHEMA`, one row per record in their order.

    `number` is a valid 18-digit number (15 digits are upgraded) or null, `typed` what stands there valid or not;
    `typed_ends` its first six and last four, `typed_head` its first 14 and `typed_tail` its last six characters.
    `day` is the birth date as stated, `birth` the same as yyyymmdd, otherwise as the number has it, and null for
    1 January, which is typed where nobody knows the day. `door` is the key of `connectors.standards.address`,
    `building` the same without unit and room.
    """
    typed = resident_id.normalise(records["resident_id_no"])
    number = _where(typed, resident_id.is_valid(typed))
    line = phone.normalise(records["phone"])
    door, building = _doors(records["address"])
    people = records.select(
        row=pl.int_range(pl.len()),
        number=number,
        typed=_where(typed, typed.str.contains(_READABLE)),
        **_names(records["name"]),
        day="birth_date",
        sex=pl.col("sex").replace(_SEXES).replace(_UNKNOWN, None),
        phone=_where(line, phone.is_valid(line)),
        door=door,
        building=building,
        community="community",
    )
    masked = pl.col("typed").str.contains("*", literal=True)
    whole = pl.when(~masked).then(pl.col("typed"))
    return with_births(
        people.with_columns(
            typed=whole,
            typed_ends=pl.col("typed").str.head(6) + pl.col("typed").str.tail(4),
            typed_head=whole.str.head(14),
            typed_tail=whole.str.tail(6),
        )
    )


def with_births(people: pl.DataFrame) -> pl.DataFrame:
    """Birth and sex as stated, otherwise as the number has them; for rows whose number changed, once more."""
    stated = people.with_columns(
        born=_from_number(people, "day", resident_id.birth_date), gender=_from_number(people, "sex", resident_id.sex)
    )
    return stated.with_columns(
        birth=pl.when(~is_new_year("born")).then(pl.col("born").dt.strftime("%Y%m%d")),
        birth_year=pl.col("born").dt.year(),
    ).drop("born")


def _from_number(people: pl.DataFrame, stated: str, read: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """A column, and where it is null what `read` has of the number."""
    silent = people[stated].is_null().arg_true()
    return people[stated].clone().scatter(silent, read(people["number"].gather(silent)))


def without_number(people: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """`people`, where those of `rows` (row) lost their number and all that was read from it."""
    at = people["row"].is_in(rows["row"].implode()).arg_true()
    numbers = [name for name in people.columns if name == "number" or name.startswith("typed")]
    bare = with_births(people[at].with_columns(pl.lit(None, pl.String).alias(name) for name in numbers))
    changed = [*numbers, "birth", "birth_year", "gender"]
    return people.with_columns(people[name].clone().scatter(at, bare[name]) for name in changed)


def is_new_year(column: str) -> pl.Expr:
    """1 January is what gets typed in when nobody knows the birthday: no evidence beside a common name."""
    return (pl.col(column).dt.month() == 1) & (pl.col(column).dt.day() == 1)


def _sound(pinyin: pl.Series) -> pl.Series:
    """Pinyin as those hear it who tell neither z from zh nor n from ng."""
    return pinyin.str.replace_all("([zcs])h", "${1}").str.replace_all("ng", "n")


def _names(written: pl.Series) -> dict[str, pl.Series]:
    """name, pinyin, surname and sound; each distinct name is read once."""
    distinct = written.unique()
    name = person_name.normalise(distinct)
    name = _where(name, person_name.is_plausible(name))
    pinyin = person_name.pinyin(name)
    read = pl.DataFrame(
        {"written": distinct, "name": name, "pinyin": pinyin, "surname": name.str.head(1), "sound": _sound(pinyin)}
    )
    found = written.to_frame("written").join(read, on="written", how="left", nulls_equal=True, maintain_order="left")
    return found.drop("written").to_dict()


def _where(values: pl.Series, condition: pl.Series) -> pl.Series:
    return pl.select(pl.when(condition).then(values)).to_series()


def _doors(addresses: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Keys of the door and of its building; each distinct spelling is parsed once."""
    spelt = addresses.drop_nulls().unique()
    # Everything up to the unit: 苑|3幢||501 and 苑|3幢|| are doors of one building.
    keys = pl.DataFrame({"spelt": spelt, "door": address.canonical_key(spelt)}).with_columns(
        building=pl.col("door").str.extract(r"^([^|]*\|[^|]*)")
    )
    found = addresses.to_frame("spelt").join(keys, on="spelt", how="left", maintain_order="left")
    return found["door"], found["building"]
