"""The gate of a family: every check that its candidate has to pass, judged and written down.

Nothing is published here. `control.publish` reads the verdicts and lets a candidate through when each check that
`register` requires is green; one that failed, crashed, is missing or looked at nothing keeps it out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import psycopg
from psycopg.types.json import Jsonb

from quality import great, guards
from quality.checks import Outcome
from quality.families import FAMILIES, Family, Product, family_named
from quality.results import CheckResult, DbtResult, Verdict
from quality.suites import SUITES, verdict_name

__all__ = ["CheckResult", "DbtResult", "Verdict", "judge", "register", "required_checks"]


class NoSuchCandidate(LookupError):
    """The candidate is not one of the family's."""


def required_checks(family: Family) -> list[str]:
    """The names of all verdicts that `judge` writes for a candidate of the family."""
    suites = [verdict_name(product.name, check) for product in family.products for check in SUITES[product.name]]
    return sorted([*suites, *guards.GUARDS])


def register(conn: psycopg.Connection) -> None:
    """Write the products and their required checks as `quality.families` and the suites say (role builder).

    A check that is no longer required is removed; products that it does not name stay as they are, because their
    released tables do. The caller commits.
    """
    for family in FAMILIES.values():
        for product in family.products:
            _register_product(conn, family, product)
        names = required_checks(family)
        conn.execute(
            "DELETE FROM control.required_check WHERE family = %s AND NOT check_name = ANY (%s)", [family.name, names]
        )
        conn.execute(
            "INSERT INTO control.required_check (family, check_name)"
            " SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING",
            [family.name, names],
        )


def _register_product(conn: psycopg.Connection, family: Family, product: Product) -> None:
    """Hashed is every column of the released table but the hub's own keys and the release range."""
    left_out = [*product.identity_columns, "from_release", "to_release"]
    conn.execute(
        "INSERT INTO control.product"
        " (product, family, candidate_table, released_table, key_columns, hash_columns, purpose)"
        " SELECT %(name)s, %(family)s, 'candidate.' || %(name)s, 'released.' || %(name)s, %(keys)s,"
        "   array_agg(attname::text ORDER BY attnum), %(purpose)s FROM pg_attribute"
        " WHERE attrelid = ('released.' || %(name)s)::regclass AND attnum > 0 AND NOT attisdropped"
        "   AND NOT attname = ANY (%(left_out)s)"
        " ON CONFLICT (product) DO UPDATE SET family = excluded.family, key_columns = excluded.key_columns,"
        "   hash_columns = excluded.hash_columns, purpose = excluded.purpose"
        " WHERE (control.product.family, control.product.key_columns, control.product.hash_columns,"
        "   control.product.purpose) IS DISTINCT FROM"
        "   (excluded.family, excluded.key_columns, excluded.hash_columns, excluded.purpose)",
        {
            "name": product.name,
            "family": family.name,
            "keys": list(product.key_columns),
            "purpose": product.purpose,
            "left_out": left_out,
        },
    )


def judge(
    family: str,
    candidate_id: int,
    *,
    dbt_results: Sequence[DbtResult],
    run_id: str | None,
    linked: Mapping[str, Collection[str]],
    manifest: Path | None = None,
) -> list[Verdict]:
    """Judge a registered candidate by every required check and write the verdicts, all in one transaction.

    `linked`: kind of things → the inputs whose records resolution links (`resolution.sources.linked`).
    A check that crashes becomes the verdict `error`, and the others go on. `manifest`: dbt's manifest.json, beside
    whose `compiled/` folder the SQL that was run lies; by default the one in the hub's home.
    Raises NoSuchCandidate, KeyError for an unknown family, WarehouseError when the verdicts cannot be written.
    """
    from warehouse import connection
    from warehouse.settings import settings

    chosen = family_named(family)
    with connection.connect("builder", autocommit=True) as conn:
        found = conn.execute(
            "SELECT row_counts FROM control.candidate WHERE candidate_id = %s AND family = %s", [candidate_id, family]
        ).fetchone()
        if found is None:
            raise NoSuchCandidate(
                f"family {family} has no candidate {candidate_id}; build and register one (townhub run)"
            )
        situation = guards.Situation(
            conn=conn,
            family=chosen,
            candidate_id=candidate_id,
            row_counts={product: int(rows) for product, rows in found[0].items()},
            dbt_results=dbt_results,
            manifest=manifest or settings().home / "dbt_target" / "manifest.json",
            linked=linked,
        )
        verdicts = [verdict for product in chosen.products for verdict in _judge_product(product, situation)]
        verdicts += [_guarded(name, situation) for name in guards.GUARDS]
        _write(conn, family, candidate_id, verdicts, run_id)
    return verdicts


def _judge_product(product: Product, situation: guards.Situation) -> list[Verdict]:
    checks = SUITES[product.name]
    rows = situation.row_counts.get(product.name, 0)
    try:
        outcomes = great.validate("candidate", product.name, checks, role="builder")
    except Exception as error:
        # The table cannot be read at all, or nobody could judge it: every check of it is in error.
        broken = error.kind if isinstance(error, great.JudgeError) else type(error).__name__
        return [Verdict(verdict_name(product.name, check), "error", 0, {"error": broken}) for check in checks]
    return [_verdict(verdict_name(product.name, outcome.check), outcome, rows) for outcome in outcomes]


def _verdict(name: str, outcome: Outcome, rows: int) -> Verdict:
    if outcome.error is not None:
        return Verdict(name, "error", rows, {"error": outcome.error})
    return Verdict(name, "green" if outcome.passed and rows > 0 else "red", rows, outcome.observed)


def _guarded(name: str, situation: guards.Situation) -> Verdict:
    try:
        return guards.GUARDS[name](situation)
    except Exception as error:
        # The class alone: a message of the database may quote rows.
        return Verdict(name, "error", 0, {"error": type(error).__name__, **_remedy(error)})


def _remedy(error: Exception) -> dict[str, str]:
    """The words of errors that this room or the contracts wrote themselves."""
    ours = type(error).__module__.split(".")[0] in ("quality", "connectors", "warehouse")
    return {"message": str(error)[:500]} if ours else {}


def _write(
    conn: psycopg.Connection, family: str, candidate_id: int, verdicts: Sequence[Verdict], run_id: str | None
) -> None:
    rows = [(family, candidate_id, v.check_name, v.state, v.rows_checked, Jsonb(v.observed), run_id) for v in verdicts]
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO control.verdict (family, candidate_id, check_name, state, rows_checked, observed, run_id)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            rows,
        )
