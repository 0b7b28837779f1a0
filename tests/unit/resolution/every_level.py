"""Made-up people whose pairs are on every level of every comparison of the model."""

from __future__ import annotations

from itertools import product

import polars as pl

from resolution.residents.model import COMPARED

PEOPLE = (
    # name, pinyin, birth, gender, phone, door
    ("王静", "wangjing", "19620405", "female", "13905710001", "锦绣|3幢|1|501"),
    ("王静", "wangjing", "19620305", "male", "13905710002", "锦绣|3幢|1|502"),
    ("王晶", "wangjing", "19620415", "female", "13905710001", "锦绣|4幢||"),
    ("王金", "wangjin", None, None, None, None),
    ("汪静", "wangjin", "19630101", "female", "13705719999", "星河|1幢||101"),
    ("王建国", "wangjianguo", "19800229", "male", "13905710001", "锦绣|3幢|1|501"),
    ("古丽", "guli", "19621128", "female", None, "星河|1幢||102"),
    (None, None, "19620405", None, "13905710001", None),
)
TYPED = ("330199196204051234", "330199196204051243", "330199198002290011", None)


def people() -> pl.DataFrame:
    """Rows as `model.score` takes them: each of `PEOPLE` with each number and in each community, or without."""
    said = [
        {"name": name, "pinyin": pinyin, "birth": birth, "gender": gender, "phone": phone, "door": door,
         "typed": typed, "community": community}
        for (name, pinyin, birth, gender, phone, door), typed, community in product(PEOPLE, TYPED, ("c1", "c2", None))
    ]  # fmt: skip
    masked = {"name": "王静", "pinyin": "wangjing", "birth": "19620405", "ends": "3301991234"}
    rows = pl.DataFrame([*said, masked, masked], infer_schema_length=None).with_row_index("id")
    return rows.with_columns(
        pl.col("id").cast(pl.Int64),
        cluster=pl.col("id").cast(pl.Int64),
        surname=pl.col("name").str.head(1),
        birth_year=pl.col("birth").str.head(4).cast(pl.Int32),
        building=pl.col("door").str.extract(r"^([^|]*\|[^|]*)"),
        typed_ends=pl.coalesce("ends", pl.col("typed").str.head(6) + pl.col("typed").str.tail(4)),
    ).select("cluster", *COMPARED)


def all_pairs(rows: pl.DataFrame) -> pl.DataFrame:
    both = rows.select(join_key_l="id").join(rows.select(join_key_r="id"), how="cross")
    return both.filter(pl.col("join_key_l") < pl.col("join_key_r"))
