"""The exact stage: one valid number is one person, save where the number is likely another person's.

A valid number is not always the right person's: the household head's gets typed in for wife and child, a brother's for
a brother. Such records are set aside for review and go on without a number.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from connectors.standards import resident_id
from resolution.residents.coding import codes_of

Truths = npt.NDArray[np.bool_]

BORROWED = "identity number of another person: name and birth date both disagree"
UNCONFIRMED = "identity number of another person: quite another name, and no birth date to confirm it"
ONE_OF_TWO = (
    "a relative's identity number, or a slip in the name: half of the given name, and no birth date to confirm it"
)
ANYWAY = "identity number of another person: quite another name, or the other sex, though with its birth date"
ALIKE = 0.5
"""Names with more than this share of characters in common, and some of the given name, may be one written badly."""


def borrowed_numbers(people: pl.DataFrame) -> pl.DataFrame:
    """Rows (row, reason) of `features` whose valid number is likely another person's.

    The name is held against the usual one under that number (first what bears the number's own birth date and sex, then
    the most frequent), the birth date against the one inside the number. That date confirms a number under a name of
    which something is left, not under quite another one or with the other sex: a register may have it from the number.
    """
    return _judged(people).filter(pl.col("reason") != ONE_OF_TWO).sort("row")


def questioned_numbers(people: pl.DataFrame) -> pl.DataFrame:
    """Rows (row, reason) whose number is theirs or a relative's: half of the given name is the usual one, and nothing
    tells which. More such records are slips than brothers, so they stay, and a steward is asked."""
    return _judged(people).filter(pl.col("reason") == ONE_OF_TWO).sort("row")


def _judged(people: pl.DataFrame) -> pl.DataFrame:
    """row, reason of every doubt about a number."""
    named = people.filter(pl.Series(_several_names(people)))
    numbers = named["number"].cast(pl.String)
    named = named.with_columns(born=resident_id.birth_date(numbers), its_sex=resident_id.sex(numbers))
    named = named.with_columns(
        other_sex=(pl.col("sex").cast(pl.String) != pl.col("its_sex")).fill_null(False),
        its_day=(pl.col("day") == pl.col("born")).fill_null(False),
        denied=(pl.col("day") != pl.col("born")).fill_null(False),
    ).with_columns(confirmed=pl.col("its_day") & ~pl.col("other_sex"))
    usual = (
        named.group_by("number", "name")
        .agg(pl.col("pinyin", "sound").first().name.prefix("usual_"), pl.col("confirmed", "denied").sum(),
             records=pl.len())
        .sort(pl.col("confirmed") > 0, pl.col("denied") == 0, "records", "name", descending=[True, True, True, False])
        .unique("number", keep="first", maintain_order=True)
        .select("number", "usual_pinyin", "usual_sound", usual="name")
    )  # fmt: skip
    other = (
        named.join(usual, on="number")
        .filter(pl.col("pinyin") != pl.col("usual_pinyin"))
        .with_columns(pl.col("name", "usual").cast(pl.String))
        .with_columns(common=_common(), begun=_begun(), given=_given("name"), usual_given=_given("usual"))
        .filter(~(pl.col("confirmed") & ((pl.col("common") > 0) | pl.col("begun"))))
        .with_columns(one=(pl.col("given") == pl.col("usual_given")) | (pl.col("sound") == pl.col("usual_sound")))
        .with_columns(half=pl.any_horizontal(_ends_alike(pl.col("given"), pl.col("usual_given"))))
    )
    alike = pl.col("common") > ALIKE
    return other.select(
        "row",
        reason=pl.when("denied").then(pl.lit(BORROWED))
        .when(pl.col("begun") | (alike & pl.col("one"))).then(None)
        .when("its_day").then(pl.lit(ANYWAY))
        .when(alike & pl.col("half") & ~pl.col("other_sex")).then(pl.lit(ONE_OF_TWO))
        .otherwise(pl.lit(UNCONFIRMED)),
    ).drop_nulls()  # fmt: skip


def _several_names(people: pl.DataFrame) -> Truths:
    """Which rows have a name, and a number under which there is another one too: few, and told apart by codes."""
    number, name = codes_of(people["number"]), codes_of(people["name"])
    known = (number >= 0) & (name >= 0)
    one, several = np.full(number.max(initial=0) + 1, -1), np.zeros(number.max(initial=0) + 1, bool)
    one[number[known]] = name[known]
    several[number[known & (one[number] != name)]] = True
    return np.asarray(known & several[number])


def exact_clusters(people: pl.DataFrame) -> pl.DataFrame:
    """row, cluster (its first row) of every record with a number."""
    numbered = people.filter(pl.col("number").is_not_null())
    return numbered.select("row", cluster=pl.col("row").min().over("number"))


def _common() -> pl.Expr:
    """Which share of the characters the name and the usual one have in common."""
    first, second = (pl.col(name).str.split("").list.unique() for name in ("name", "usual"))
    return first.list.set_intersection(second).list.len() / pl.max_horizontal(first.list.len(), second.list.len())


def _begun() -> pl.Expr:
    """One name is the other's beginning (古丽 for 古丽·买买提)."""
    name, usual = pl.col("name"), pl.col("usual")
    return name.str.starts_with(usual) | usual.str.starts_with(name)


def _given(name: str) -> pl.Expr:
    """The given name: sisters share what stands behind the dot, the father's name."""
    text = pl.col(name)
    return pl.when(text.str.contains("·")).then(text.str.split("·").list.first()).otherwise(text.str.slice(1))


def _ends_alike(a: pl.Expr, b: pl.Expr) -> list[pl.Expr]:
    """Two given names have their first or their last character in common."""
    return [a.str.head(1) == b.str.head(1), a.str.tail(1) == b.str.tail(1)]
