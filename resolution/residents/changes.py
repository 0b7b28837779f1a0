"""Only what is new or changed is linked: to the clusters that stand, and to each other.

By the same code, model and union as a full run, so a record comes to where a full run would most likely bring it; what
a full run would regroup among the records that stand waits for the next one. Each step looks at no more than what is
near to the last one's rows, so `people` may be a part of the town: what is beyond is told by `Elsewhere`.

`standing` has row, cluster, probable of the records that stay where they are unless a step finds otherwise.
"""

from __future__ import annotations

import polars as pl

from resolution.residents import model
from resolution.residents.blocking import candidate_pairs
from resolution.residents.evident import evident
from resolution.residents.features import without_bare_names
from resolution.residents.linking import LARGEST, UNRIVALLED, WEIGHED, Linked, grow, possible, with_households
from resolution.residents.model import Model
from resolution.residents.representatives import around, representatives
from resolution.residents.town import Elsewhere, town_of


def moved(people: pl.DataFrame, standing: pl.DataFrame) -> pl.Series:
    """Rows of the clusters that look otherwise than they did, now that the rows that do not stand are with them.

    Most new records tell of a person what was known: such a person is nobody else's rival, and need not be weighed.
    """
    clusters = _placed(people, standing)
    fresh = clusters.join(standing, on="row", how="anti")
    grown = clusters.join(fresh, on="cluster", how="semi")
    firm = standing.filter(~pl.col("probable")).join(grown, on="row", how="semi")
    before = representatives(people.join(firm, on="row", how="semi"), firm).drop("id")
    told = grown.join(standing.filter("probable"), on="row", how="anti")
    after = representatives(people.join(told, on="row", how="semi"), told).drop("id")
    columns = before.columns
    other = pl.concat(
        [
            after.join(before, on=columns, how="anti", nulls_equal=True).select("cluster"),
            before.join(after, on=columns, how="anti", nulls_equal=True).select("cluster"),
        ]
    )
    return grown.join(other, on="cluster", how="semi")["row"]


def asked(
    people: pl.DataFrame,
    standing: pl.DataFrame,
    moved: pl.Series,
    left: pl.DataFrame,
    trained: Model,
    elsewhere: Elsewhere,
) -> pl.Series:
    """Rows without a number that stand, and that may now be with one of the clusters that `moved`, or its rivals.

    One new namesake, and a lone name is that of one person no more: what rests on weights is asked again. So is what
    one of the clusters may have had that `left` (columns of `people`, and cluster): they were rivals too.
    """
    clusters = _placed(people, standing)
    loose = people.filter(pl.col("number").is_null()).select("row")
    loose = loose.join(_settled(people, standing, trained), on="row", how="anti")
    numbered = clusters.join(loose, on="row", how="anti").select(pl.col("cluster").unique())
    # A record without a number is asked for itself, whoever it was with by its weight.
    alone = loose.join(clusters.join(numbered, on="cluster", how="semi"), on="row", how="semi")
    alone = alone.select("row", own="row")
    split = clusters.join(alone, on="row", how="left", maintain_order="left").select(
        "row", cluster=pl.coalesce("own", "cluster")
    )
    is_moved = pl.col("row").is_in(moved.implode())
    theirs = split.filter(is_moved)
    some = pl.concat([theirs, split.join(loose, on="row", how="semi").filter(~is_moved)])
    some = pl.concat([some, left.select("row", "cluster")])
    theirs = pl.concat([theirs, left.select("row", "cluster")])
    known = pl.concat([people, left.drop("cluster")], how="diagonal")
    rows = representatives(known.join(some, on="row", how="semi"), some)
    changed = rows.join(theirs, on="cluster", how="semi")["id"]
    pairs, _ = candidate_pairs(rows, changed=changed, crowded=elsewhere.crowded, possible=possible(rows))
    firm = people.join(clusters.join(standing.filter("probable"), on="row", how="anti"), on="row")
    town = town_of(without_bare_names(firm), firm["cluster"], elsewhere=elsewhere)
    edges = model.score(rows, pairs, trained, least=WEIGHED, town=town)
    # Who is with nobody by a weight that a newcomer could come near to stays so, unless the newcomer may be the one.
    alone = alone.select(cluster="own")
    bound = split.join(standing.filter("probable"), on="row", how="semi").select("cluster")
    free = split.join(pl.concat([alone, bound]), on="cluster", how="anti")["cluster"]
    stood = theirs.join(standing.filter(~pl.col("probable")), on="row", how="semi")
    more = newcomers(rows, theirs["cluster"], representatives(people.join(stood, on="row", how="semi"), stood), left)
    edges = edges.filter((pl.col("weight") >= UNRIVALLED) | ~_between(edges, rows, free, more))
    ends = pl.concat([edges["a"], edges["b"]]).unique()
    met = rows.filter(pl.col("id").is_in(ends.implode())).select("cluster")
    again = some.join(met, on="cluster", how="semi").select("row")
    mine = loose.join(theirs, on="row", how="semi")
    rows = pl.concat([again, mine]).unique().join(loose, on="row", how="semi")
    return rows.join(standing, on="row", how="semi")["row"]


def newcomers(rows: pl.DataFrame, moved: pl.Series, before: pl.DataFrame, left: pl.DataFrame) -> pl.Series:
    """Clusters that `moved` and that nobody fits less than before: new ones, and those that look as they did and more.

    `rows` are representatives as they are, `before` as they were, `left` has the clusters that are no more.
    """
    looks = [name for name in before.columns if name != "id"]
    less = before.join(rows, on=looks, how="anti", nulls_equal=True)["cluster"]
    gone = pl.concat([less, left["cluster"]])
    return moved.filter(~moved.is_in(gone.implode())).unique()


def _between(edges: pl.DataFrame, rows: pl.DataFrame, some: pl.Series, others: pl.Series) -> pl.Series:
    """Which edges are between one of some clusters and one of others."""
    told = {name: pl.col("cluster").is_in(of.unique().implode()) for name, of in (("some", some), ("others", others))}
    of = rows.select("id", **told)
    both = edges.select("a", "b").join(of, left_on="a", right_on="id", maintain_order="left", how="left")
    both = both.join(of, left_on="b", right_on="id", maintain_order="left", how="left", suffix="_b")
    return both.select((pl.col("some") & pl.col("others_b")) | (pl.col("others") & pl.col("some_b"))).to_series()


def _settled(people: pl.DataFrame, standing: pl.DataFrame, trained: Model) -> pl.DataFrame:
    """row of those without a number that stand where two statements put them: no rival matters to these."""
    numbered = pl.col("number").is_not_null()
    alone = people.select(pl.when(numbered).then(pl.col("row").min().over("number")).otherwise("row").alias("cluster"))
    joined = evident(people, alone["cluster"], trained, largest=LARGEST)
    placed = people.select("row", "number", joined=joined).join(standing.filter(~pl.col("probable")), on="row")
    owners = placed.filter(numbered).select("joined", "cluster").unique()
    return placed.filter(~numbered).join(owners, on=["joined", "cluster"], how="semi").select("row")


def link_changes(
    people: pl.DataFrame,
    standing: pl.DataFrame,
    trained: Model,
    *,
    moved: pl.Series,
    asked: pl.Series,
    elsewhere: Elsewhere,
) -> Linked:
    """Clusters of all records: those of `standing`, and where the others and those `asked` again belong."""
    standing = without(standing, asked)
    clusters = _placed(people, standing)
    # A probable record says nothing of the one that it was attached to.
    told = people.join(
        clusters.join(standing.filter("probable"), on="row", how="anti"), on="row", maintain_order="left"
    )
    changed = pl.concat([moved, asked]).unique()
    settled = evident(told, told["cluster"], trained, largest=LARGEST, changed=changed)
    told = told.with_columns(cluster=settled)
    firm = told.select("row", "cluster")
    some = around(people, firm, changed, crowded=elsewhere.crowded)
    town = town_of(without_bare_names(told), told["cluster"], elsewhere=elsewhere)
    part = grow(people.join(some, on="row", how="semi"), some, trained, changed=changed, town=town)
    to = clusters.join(part.clusters, on="row").group_by("cluster").agg(to=pl.col("cluster_right").min())
    attached = standing.filter("probable").join(to, on="cluster", how="left")
    rest = firm.join(some, on="row", how="anti")
    whole = pl.concat(
        [
            part.clusters.select("row", "cluster", "probable"),
            rest.select("row", "cluster", probable=pl.lit(False)),
            attached.select("row", cluster=pl.coalesce("to", "cluster"), probable=pl.lit(True)),
        ]
    )
    return with_households(people, whole.sort("row"), part, changed)


def without(standing: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """`standing` without these rows; its clusters are named by their smallest rows, so none by one of these."""
    left = standing.filter(~pl.col("row").is_in(rows.implode()))
    return left.with_columns(cluster=pl.col("row").min().over("cluster"))


def _placed(people: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """row, cluster: the standing ones, and the others by their number or alone."""
    fresh = people.join(standing, on="row", how="anti")
    numbers = people.filter(pl.col("number").is_not_null()).select("row", "number")
    held = numbers.join(standing.filter(~pl.col("probable")), on="row")
    owners = held.group_by("number").agg(owner=pl.col("cluster").min())
    first = pl.col("row").min().over("number")
    mine = fresh.select("row", "number").join(owners, on="number", how="left", maintain_order="left")
    alone = pl.when(pl.col("number").is_not_null()).then(first).otherwise("row")
    return pl.concat([standing.select("row", "cluster"), mine.select("row", cluster=pl.coalesce("owner", alone))]).sort(
        "row"
    )
