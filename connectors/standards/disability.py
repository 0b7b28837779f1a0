"""Number of the disability certificate (残疾人证号).

Resident identity number (18) + class (1) + level (1), and after a re-issue B1, B2, … (22 characters).
Class 1 is sight and 2 hearing; lists that swap the two are about, so compare with the class as text where
the source has it.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.standards import resident_id as rid
from connectors.standards import text
from connectors.standards._columns import only_where

CLASSES: Final = {"1": "视力", "2": "听力", "3": "言语", "4": "肢体", "5": "智力", "6": "精神", "7": "多重"}
LEVELS: Final = {"1": "一级", "2": "二级", "3": "三级", "4": "四级"}

_PATTERN: Final = r"^(?<id>[0-9]{17}[0-9X])(?<class>[1-7])(?<level>[1-4])(?:B(?<reissue>[1-9]))?$"

_CLASS_SPELLINGS: Final = {
    spelling: code for code, name in CLASSES.items() for spelling in (code, name, f"{name}残疾")
} | {"肢残": "4", "多重障碍": "7"}
_LEVEL_SPELLINGS: Final = {
    spelling: code for code, name in LEVELS.items() for spelling in (code, name, name[0], f"{code}级")
}


def class_code(s: pl.Series) -> pl.Series:
    """4, 肢体, 肢体残疾 → the class's digit; anything else → null."""
    return s.str.strip_chars().replace_strict(_CLASS_SPELLINGS, default=None, return_dtype=pl.String)


def level_code(s: pl.Series) -> pl.Series:
    """1, 一级, 1级 → the level's digit; anything else → null."""
    return s.str.strip_chars().replace_strict(_LEVEL_SPELLINGS, default=None, return_dtype=pl.String)


def normalise(s: pl.Series) -> pl.Series:
    """Upper case, half width, without blanks and dashes. 1.23E+19 cannot be mended: it stays as it is."""

    def mend(rows: pl.Series) -> pl.Series:
        rows = text.half_width(text.strip_controls(rows)).str.to_uppercase()
        return rows.str.replace_all(r"[\s\-—–'’‘]", "")

    return only_where(s, ~s.str.contains(_PATTERN), mend)


def is_valid(s: pl.Series) -> pl.Series:
    """True where the number has the right shape and its identity number is valid."""
    return s.str.contains(_PATTERN) & rid.is_valid(s.str.slice(0, 18))


def parse(s: pl.Series) -> pl.DataFrame:
    """DataFrame(resident_id, class, level: strings; reissue: Int8, 0 = first issue); nulls if not valid."""
    groups = pl.when(is_valid(s)).then(pl.col("number")).str.extract_groups(_PATTERN)
    parts = s.to_frame("number").select(groups.alias("parts"))["parts"].struct
    identity = parts.field("id").alias("resident_id")
    reissue = parts.field("reissue").cast(pl.Int8)
    return pl.DataFrame(
        {
            "resident_id": identity,
            "class": parts.field("class"),
            "level": parts.field("level"),
            "reissue": pl.select(pl.when(identity.is_not_null()).then(reissue.fill_null(0))).to_series(),
        }
    )
