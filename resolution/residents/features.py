"""Columns that residents are compared by, computed once for each distinct text with polars.

Chinese characters never reach DuckDB's string distances, for those count bytes: what is compared loosely is pinyin
and digits.
"""

from __future__ import annotations

import polars as pl

from connectors.standards import address, person_name, phone, resident_id
from resolution.residents.abreast import abreast
from resolution.residents.coding import CODED, each_once, looked_up

COLUMNS = (
    "row", "number", "typed", "typed_ends", "typed_head", "typed_tail", "name", "pinyin", "surname", "sound", "day",
    "birth", "birth_year", "gender", "phone", "door", "building", "community",
)  # fmt: skip
_UNKNOWN = ["", "unknown", "unstated"]
_SEXES = {"1": "male", "2": "female", "男": "male", "女": "female", "M": "male", "F": "female"}
_NUMBERS = ("number", "typed", "typed_ends", "typed_head", "typed_tail")
_NAMES = ("name", "pinyin", "surname")
EVIDENCE = ("birth_year", "phone", "door", "typed_ends")
"""What tells of a person besides a name and a number."""
_READABLE = r"^[0-9]{6}[0-9X*]{5,12}$"
"""What was typed for a number, when it is long enough to compare: some of it may be masked or wrong."""


def features(records: pl.DataFrame) -> pl.DataFrame:
    """`COLUMNS` of records of `resolution.sources.RESIDENT_SCHEMA`, one row per record in their order.

    Texts are `CODED`. `number` is a valid 18-digit number (15 digits are upgraded) or null, `typed` what stands there
    valid or not; `typed_ends` its first six and last four, `typed_head` its first 14 and `typed_tail` its last six
    characters. `day` is the birth date as stated, `birth` the same as yyyymmdd, otherwise as the number has it, and
    null for 1 January, which is typed where nobody knows the day. `door` is the key of `connectors.standards.address`,
    `building` the same without unit and room.
    """
    people = pl.concat(
        [
            records.select(
                row=pl.int_range(pl.len()),
                day="birth_date",
                sex=pl.col("sex").replace(_SEXES).replace(_UNKNOWN, None).cast(CODED),
                community=pl.col("community").cast(CODED),
            ),
            *abreast(lambda name: each_once(records[name], _READ[name]), _READ),
        ],
        how="horizontal",
    )
    return with_births(people)


def with_births(people: pl.DataFrame) -> pl.DataFrame:
    """Birth and sex as stated, otherwise as the number has them; for rows whose number changed, once more."""
    numbers = people["number"].drop_nulls().unique()
    texts = numbers.cast(pl.String)
    read = pl.DataFrame({"its_day": resident_id.birth_date(texts), "its_sex": resident_id.sex(texts).cast(CODED)})
    told = pl.concat([people.select("day", "sex"), looked_up(numbers, read, people["number"])], how="horizontal")
    told = told.select(born=pl.coalesce("day", "its_day"), gender=pl.coalesce("sex", "its_sex"))
    days = told.select(pl.col("born").drop_nulls().unique()).filter(~is_new_year("born"))
    days = days.with_columns(birth=pl.col("born").dt.strftime("%Y%m%d").cast(CODED))
    told = told.join(days, on="born", how="left", maintain_order="left")
    return people.with_columns(told.select("gender", "birth", birth_year=pl.col("born").dt.year()))


def without_number(people: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """`people`, where those of `rows` (row) lost their number and all that was read from it."""
    at = people["row"].is_in(rows["row"].implode()).arg_true()
    bare = with_births(unnumbered(people[at], pl.lit(True)))
    changed = [*_NUMBERS, "birth", "birth_year", "gender"]
    return people.with_columns(people[name].clone().scatter(at, bare[name]) for name in changed)


def unnumbered(people: pl.DataFrame, where: pl.Expr) -> pl.DataFrame:
    """`people`, where some have neither number nor anything typed for one; births and sexes stay."""
    return people.with_columns(pl.when(~where).then(name).alias(name) for name in _NUMBERS)


def without_bare_names(people: pl.DataFrame) -> pl.DataFrame:
    """`people`, where records that tell of nothing but a name lost it: how common a name is, those tell who bear it.

    A person's monthly orders that name them alone are no namesakes of theirs.
    """
    bare = people.select(pl.all_horizontal(pl.col("number", *EVIDENCE).is_null())).to_series()
    return people.with_columns(pl.when(~bare).then(name).alias(name) for name in _NAMES)


def given_names(names: pl.Series) -> pl.Series:
    """Names without their first character, coded."""
    distinct = names.cast(CODED).drop_nulls().unique()
    given = pl.DataFrame({"given": distinct.cast(pl.String).str.slice(1).cast(CODED)})
    return looked_up(distinct, given, names)["given"]


def is_new_year(column: str) -> pl.Expr:
    """1 January is what gets typed in when nobody knows the birthday: no evidence beside a common name."""
    return (pl.col(column).dt.month() == 1) & (pl.col(column).dt.day() == 1)


def _sound(pinyin: pl.Series) -> pl.Series:
    """Pinyin as those hear it who tell neither z from zh nor n from ng."""
    return pinyin.str.replace_all("([zcs])h", "${1}").str.replace_all("ng", "n")


def _numbers(written: pl.Series) -> pl.DataFrame:
    """number, typed, typed_ends, typed_head, typed_tail."""
    typed = resident_id.normalise(written)
    valid = resident_id.is_valid(typed)
    read = pl.DataFrame({"typed": _where(typed, typed.str.contains(_READABLE))})
    masked = pl.col("typed").str.contains("*", literal=True)
    whole = pl.when(~masked).then(pl.col("typed"))
    read = read.with_columns(
        typed=whole.cast(CODED),
        typed_ends=pl.col("typed").str.head(6) + pl.col("typed").str.tail(4),
        typed_head=whole.str.head(14),
        typed_tail=whole.str.tail(6),
    )
    # A valid number is all that was typed, and its text is not coded twice.
    return read.select(pl.when(valid).then("typed").alias("number"), pl.all())


def _names(written: pl.Series) -> pl.DataFrame:
    """name, pinyin, surname and sound."""
    name = person_name.normalise(written)
    name = _where(name, person_name.is_plausible(name))
    pinyin = person_name.pinyin(name)
    return pl.DataFrame({"name": name, "pinyin": pinyin, "surname": name.str.head(1), "sound": _sound(pinyin)})


def _phones(written: pl.Series) -> pl.DataFrame:
    """phone."""
    line = phone.normalise(written)
    return pl.DataFrame({"phone": _where(line, phone.is_valid(line))})


def _doors(spelt: pl.Series) -> pl.DataFrame:
    """Keys of the door and of its building."""
    # Everything up to the unit: 苑|3幢||501 and 苑|3幢|| are doors of one building.
    return pl.DataFrame({"door": address.canonical_key(spelt)}).with_columns(
        building=pl.col("door").str.extract(r"^([^|]*\|[^|]*)")
    )


_READ = {"address": _doors, "resident_id_no": _numbers, "name": _names, "phone": _phones}
"""Column of a record → what is read from its texts, the longest work first."""


def _where(values: pl.Series, condition: pl.Series) -> pl.Series:
    return pl.select(pl.when(condition).then(values)).to_series()
