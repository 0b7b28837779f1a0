"""Which records are one enterprise: the organisation code inside its numbers, then its name with what stands by it.

A credit code (18) and the legacy tax number of an organisation (15) hold the same nine-character organisation code;
the 20 digits of a self-employed resident hold none. Records without a code are attached where their name, with a
telephone or a door or alone, points at one enterprise. Two organisation codes are never one enterprise, and a register
that lists every enterprise once has two records of two.
"""

from __future__ import annotations

import polars as pl

from connectors.standards import address, credit_code, legacy_tax
from connectors.standards.once import once_each
from connectors.standards.organisation_code import is_valid as is_organisation_code
from resolution.attach import Rule, alone, attached, joined, named
from resolution.firm_names import branch, plain_name, region_stems, whole_name
from resolution.residents import Clusters

REGISTERS = ("market_registration", "tax_registry")
"""Registers of enterprises: each enterprise stands once in each."""
MAX_SHARED_PHONE = 30
"""A telephone of more records than this belongs to an agency or a desk."""
SEVERAL = "the name of several enterprises"
# Shops share names like 便利店: between records without a code a name alone says nothing.
RULES = (
    Rule("name and telephone", ("plain", "branch", "phone"), among=True),
    Rule("name and door", ("plain", "branch", "door"), among=True),
    Rule("whole name", ("whole",), "probable"),
    Rule("name without region and legal form", ("plain",), "probable"),
)


def cluster(records: pl.DataFrame) -> Clusters:
    """Cluster records of `resolution.sources.ENTERPRISE_SCHEMA`; a cluster's label is its first row.

    Doubtful are records of which only the name is known, and that name several enterprises have.
    """
    firms = _prepared(records)
    coded = firms.filter(pl.col("code").is_not_null())
    assigned = coded.select(
        "row", cluster=pl.col("row").min().over("code"), link_kind=pl.lit("exact"), reason=pl.lit("organisation code")
    )
    registered = firms.filter(pl.col("register").is_not_null())
    # All that the registers know comes first: only then can a name be seen to be of several enterprises.
    assigned = attached(firms, registered, assigned, RULES)
    assigned = alone(registered, joined(firms, registered, assigned, RULES))
    assigned = attached(firms, firms, assigned, RULES)
    assigned = attached(firms, firms, joined(firms, firms, assigned, RULES), RULES)
    known = firms.join(assigned.select("row"), on="row").select("plain").drop_nulls()
    doubtful = firms.join(assigned.select("row"), on="row", how="anti").join(known, on="plain", how="semi")
    assigned = alone(firms, assigned)
    doubtful = doubtful.sort("row").select("row", reason=pl.lit(SEVERAL))
    return Clusters(named(assigned), doubtful, numbered=coded["row"])


def _prepared(records: pl.DataFrame) -> pl.DataFrame:
    """row, code (organisation), whole, plain, branch ("" for none), door, phone, register (null for none)."""
    parts = once_each(records["address"], address.parse)
    firms = records.select("phone", register=pl.when(pl.col("system").is_in(REGISTERS)).then("system"))
    firms = firms.with_row_index("row").with_columns(
        pl.col("row").cast(pl.Int64),
        code=_organisation_code(records["number"]),
        whole=whole_name(records["name"]),
        plain=plain_name(records["name"], region_stems(parts)),
        branch=branch(records["name"]).fill_null(""),
        door=address.key_of(parts),
    )
    return firms.with_columns(
        # A trade name that two firms share is no whole name.
        whole=pl.when(pl.col("whole") != pl.col("plain")).then("whole"),
        phone=pl.when(pl.len().over("phone") <= MAX_SHARED_PHONE).then("phone"),
    )


def _organisation_code(numbers: pl.Series) -> pl.Series:
    """The organisation code in a number, also where only the check character behind it was mistyped."""
    embedded = credit_code.organisation_code(numbers)
    sound = (numbers.str.len_chars() == 18) & numbers.str.contains(r"^[159AY]\d") & is_organisation_code(embedded)
    valid = credit_code.is_valid(numbers) | sound
    embedded = pl.select(pl.when(valid.fill_null(False)).then(embedded)).to_series()
    return embedded.fill_null(legacy_tax.organisation_code(numbers))
