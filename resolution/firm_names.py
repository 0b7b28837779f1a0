"""Names of enterprises as clerks and door signs have them, brought to what tells one enterprise from another.

A legal name is region + brand + trade + legal form (安澜华达贸易有限公司); the sign over the door has brand and
trade (华达贸易), old licences the region in brackets (华达贸易（安澜）有限公司), visitors a
branch (华达贸易（听澜店）). Regions are often written without their kind (安澜 for 安澜区):
which ones there are is learnt from the addresses.
"""

from __future__ import annotations

import re

import polars as pl

from connectors.standards import text

_REGION = r"^(?:[\p{Han}]{2,3}省)?(?:[\p{Han}]{2,4}市)?(?:[\p{Han}]{1,4}[区县])?(?:[\p{Han}]{1,4}(?:镇|街道))?"
_FORM = (
    r"(?:股份有限公司|有限责任公司|有限公司|分公司|公司|合伙企业|[（(]有限合伙[）)]|个体工商户|经营部|商行|工作室)+$"
)
_BRANCH = r"第?[一二三四五六七八九十\d]*分公司$"
_KIND = r"(?:区|县|市|镇|街道|乡)$"
REGION_SHARE = 0.01
"""A district or town that at least this share of the addresses names is one that names leave the kind of."""


def whole_name(names: pl.Series) -> pl.Series:
    """A name in half width, without blanks; null when nothing remains."""
    return text.empty_to_null(text.half_width(names).str.replace_all(r"\s", ""))


def plain_name(names: pl.Series, regions: list[str] | None = None) -> pl.Series:
    """A firm's name without blanks, region in front and legal form behind; null when less than two remain.

    `regions` are stems (安澜 of 安澜区) that are left out too, in front and in brackets.
    """
    plain = whole_name(names)
    if regions:
        stems = "|".join(re.escape(stem) for stem in regions)
        plain = plain.str.replace_all(rf"[（(](?:{stems})(?:区|县|市|镇|街道|乡)?(?:分?店)?[）)]", "")
        kinds = "区|县|市|镇|街道|乡"
        plain = plain.str.replace(rf"^(?:(?:{stems})(?:{kinds})?)+([\p{{Han}}A-Za-z0-9]{{2,}})", "${1}")
    plain = plain.str.replace(_REGION, "").str.replace(_BRANCH, "").str.replace(_FORM, "")
    return pl.select(pl.when(plain.str.len_chars() >= 2).then(plain)).to_series()


def branch(names: pl.Series) -> pl.Series:
    """The words that say which branch (一分公司) a name is of, null where it is none."""
    return whole_name(names).str.extract(rf"({_BRANCH})")


def region_stems(parts: pl.DataFrame) -> list[str]:
    """Districts and towns that addresses name often, without their kind and sorted: ["听澜", "安澜"].

    `parts`: of the addresses, as `address.parse` gives them.
    """
    named = pl.concat([parts["district"], parts["town"]]).drop_nulls()
    often = named.value_counts().filter(pl.col("count") >= max(2, parts.height * REGION_SHARE))
    stems = often.select(pl.first().str.replace(_KIND, "")).to_series()
    return sorted(stems.filter(stems.str.len_chars() >= 2).unique().to_list())
