"""Outcomes of the hub against the answer key, policy by policy: counting alone, no database and no files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

FOUND = {"policy": pl.String, "person": pl.Int64, "outcome": pl.String}
"""What the hub says: one row per policy and true person."""
KEY = {"policy": pl.String, "person": pl.Int64, "eligible": pl.Boolean, "reason": pl.String}
"""What is true, and why or why not."""
HIDDEN = {"policy": pl.String, "person": pl.Int64, "why": pl.String}
"""Truths that no register told by the day: a wrong "eligible" that rests on one could not be avoided."""
UNSEEN = ("not_applied",)
"""Reasons for a claim of which no register tells, so that nobody can be found for it."""
_STRONGEST = ("eligible", "candidate", "unknown", "not_eligible")


@dataclass(frozen=True)
class Score:
    """Counts of one policy.

    ``cases`` are the people whom the hub lists for the policy, and those entitled whom it misses although a register
    tells of them (``missed``). ``unseen`` are entitled people of whom no register tells: no cases, shown beside.
    """

    cases: int
    decided: int
    candidates: int
    unknown: int
    missed: int
    unseen: int
    entitled: int
    false_exclusions: int
    false_inclusions: int
    hidden_inclusions: int
    wrongly_out: dict[str, int] = field(default_factory=dict)
    wrongly_in: dict[str, int] = field(default_factory=dict)

    @property
    def decided_share(self) -> float:
        return self.decided / self.cases if self.cases else 1.0

    @property
    def false_exclusion(self) -> float:
        return self.false_exclusions / self.decided if self.decided else 0.0

    @property
    def false_inclusion(self) -> float:
        return self.false_inclusions / self.decided if self.decided else 0.0

    @property
    def avoidable_inclusion(self) -> float:
        """Without those of whom no register told by the day that they are not entitled."""
        return (self.false_inclusions - self.hidden_inclusions) / self.decided if self.decided else 0.0


def one_outcome(found: pl.DataFrame) -> pl.DataFrame:
    """`FOUND` with one row per policy and person: a person of two entities is served when either is."""
    rank = pl.col("outcome").replace_strict({name: n for n, name in enumerate(_STRONGEST)}, return_dtype=pl.Int64)
    return found.sort("policy", "person", rank).unique(["policy", "person"], keep="first", maintain_order=True)


def hidden(key: pl.DataFrame, registered_dead: pl.Series) -> pl.DataFrame:
    """`HIDDEN`: deaths that were not registered yet, and an income above the line of somebody approved all the same."""
    why = (
        pl.when((pl.col("reason") == "dead") & ~pl.col("person").is_in(registered_dead.implode()))
        .then(pl.lit("death not registered yet"))
        .when(pl.col("reason") == "income")
        .then(pl.lit("approved although the income is above the line"))
    )
    return key.filter(~pl.col("eligible")).with_columns(why=why).drop_nulls("why").select(list(HIDDEN))


def score(found: pl.DataFrame, key: pl.DataFrame, unknowable: pl.DataFrame) -> Score:
    """Of one policy. Whoever the key does not name is not entitled (``not_in_key``)."""
    both = one_outcome(found).join(key.drop("policy"), on="person", how="full", coalesce=True)
    both = both.join(unknowable.select("person", "why"), on="person", how="left").with_columns(
        pl.col("eligible").fill_null(False), pl.col("reason").fill_null("not_in_key")
    )
    listed = both.filter(pl.col("outcome").is_not_null())
    absent = both.filter(pl.col("outcome").is_null() & pl.col("eligible"))
    unseen = absent.filter(pl.col("reason").is_in(UNSEEN))
    out = listed.filter((pl.col("outcome") == "not_eligible") & pl.col("eligible"))
    wrong = listed.filter((pl.col("outcome") == "eligible") & ~pl.col("eligible"))
    counts = dict(listed.group_by("outcome").len().iter_rows())
    missed = absent.height - unseen.height
    return Score(
        cases=listed.height + missed,
        decided=counts.get("eligible", 0) + counts.get("not_eligible", 0),
        candidates=counts.get("candidate", 0),
        unknown=counts.get("unknown", 0),
        missed=missed,
        unseen=unseen.height,
        entitled=int(both["eligible"].sum()),
        false_exclusions=out.height,
        false_inclusions=wrong.height,
        hidden_inclusions=wrong["why"].count(),
        wrongly_out=_reasons(out["reason"]),
        wrongly_in=_reasons(wrong.select(pl.coalesce("why", "reason").alias("reason"))["reason"]),
    )


def by_policy(found: pl.DataFrame, key: pl.DataFrame, unknowable: pl.DataFrame) -> dict[str, Score]:
    """A score for each policy that the key knows."""
    policies: Sequence[str] = sorted(key["policy"].unique())
    return {
        policy: score(*(frame.filter(pl.col("policy") == policy) for frame in (found, key, unknowable)))
        for policy in policies
    }


def _reasons(reasons: pl.Series) -> dict[str, int]:
    return dict(reasons.value_counts().sort(["count", reasons.name], descending=[True, False]).iter_rows())
