"""Which records are one enterprise: the organisation code inside its numbers, then its name.

A credit code (18) and both legacy tax numbers (15, 20) hold the same nine-character organisation code. Names are
compared without region and legal form, and decide only where they point at one enterprise.
"""

from __future__ import annotations

import polars as pl

from connectors.standards import credit_code, legacy_tax, text
from resolution.residents import Clusters

_REGION = r"^(?:[\p{Han}]{2,3}省)?(?:[\p{Han}]{2,4}市)?(?:[\p{Han}]{1,4}[区县])?(?:[\p{Han}]{1,4}(?:镇|街道))?"
_FORM = (
    r"(?:股份有限公司|有限责任公司|有限公司|分公司|公司|合伙企业|[（(]有限合伙[）)]|个体工商户|经营部|商行|工作室)+$"
)


def cluster(records: pl.DataFrame) -> Clusters:
    """Cluster records of `resolution.sources.ENTERPRISE_SCHEMA`; a cluster's label is one of its rows."""
    firms = records.with_row_index("row").with_columns(
        pl.col("row").cast(pl.Int64), code=_organisation_code(records["number"]), plain=plain_name(records["name"])
    )
    coded = firms.filter(pl.col("code").is_not_null())
    exact = coded.select(
        "row", cluster=pl.col("row").min().over("code"), link_kind=pl.lit("exact"), reason=pl.lit("organisation code")
    )
    targets = (
        coded.join(exact.select("row", "cluster"), on="row")
        .filter(pl.col("plain").is_not_null())
        .group_by("plain")
        .agg(clusters=pl.col("cluster").n_unique(), cluster=pl.col("cluster").first())
        .filter(pl.col("clusters") == 1)
    )
    waiting = firms.filter(pl.col("code").is_null())
    by_name = waiting.join(targets, on="plain").select(
        "row", "cluster", link_kind=pl.lit("rule"), reason=pl.lit("name without region and legal form")
    )
    # Shops share names like 便利店: without a number nothing says that two of them are one.
    alone = waiting.join(by_name.select("row"), on="row", how="anti").select(
        "row", cluster="row", link_kind=pl.lit("single"), reason=pl.lit("no other record")
    )
    assigned = pl.concat([exact, by_name, alone])
    size = pl.len().over("cluster")
    assigned = assigned.with_columns(
        link_kind=pl.when(size == 1).then(pl.lit("single")).otherwise("link_kind"),
        reason=pl.when(size == 1).then(pl.lit("no other record")).otherwise("reason"),
    )
    doubtful = pl.DataFrame(schema={"row": pl.Int64, "reason": pl.String})
    return Clusters(assigned.sort("row"), doubtful)


def plain_name(names: pl.Series) -> pl.Series:
    """A firm's name without blanks, region in front and legal form behind; null when less than two remain."""
    plain = text.half_width(names).str.replace_all(r"\s", "").str.replace(_REGION, "").str.replace(_FORM, "")
    return pl.select(pl.when(plain.str.len_chars() >= 2).then(plain)).to_series()


def _organisation_code(numbers: pl.Series) -> pl.Series:
    valid = credit_code.is_valid(numbers).fill_null(False)
    embedded = pl.select(pl.when(valid).then(credit_code.organisation_code(numbers))).to_series()
    return embedded.fill_null(legacy_tax.organisation_code(numbers))
