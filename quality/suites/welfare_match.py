"""What must hold of the welfare lists before anyone sees them."""

from __future__ import annotations

from quality.checks import IDENTITY_NUMBER, ROWS, Check, columns, holds, in_set, no_rows, not_null, unique

COLUMNS = (
    "resident_key", "policy_code", "community_code", "outcome", "reason", "missing_evidence", "receiving",
    "finding", "amount_due", "rule_version", "evidence", "due_on",
)  # fmt: skip
POLICIES = tuple(f"P{number:02d}" for number in range(1, 13))
EVIDENCE_KEYS = ("rules", "records", "payments", "paid_twice", "birth_date_from")
RECORD_KEYS = ("system", "stream", "record")
_MOST_YUAN = 20000
_CASE_BY_CASE = "'P04', 'P05'"


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("resident_given", "resident_key"),
    not_null("policy_given", "policy_code"),
    unique("pair_once", ["resident_key", "policy_code"]),
    in_set("policy_known", "policy_code", POLICIES),
    in_set("outcome_known", "outcome", ("eligible", "candidate", "not_eligible", "unknown")),
    in_set(
        "finding_known",
        "finding",
        ("as_due", "unclaimed", "receiving_not_found_eligible", "not_due", "undecided"),
    ),
    not_null("version_given", "rule_version"),
    not_null("day_given", "due_on"),
    holds(
        "day_past",
        "due_on <= (SELECT as_of FROM control.candidate WHERE family = 'welfare' ORDER BY candidate_id DESC LIMIT 1)",
        "No claim is judged on a day to come.",
    ),
    holds("reason_given", "length(trim(reason)) > 0", "Every outcome says why."),
    holds(
        "unknown_says_what_is_missing",
        "(outcome = 'unknown') = (cardinality(missing_evidence) > 0)",
        "Unknown names what is missing; nothing else does.",
    ),
    holds(
        "eligible_has_amount",
        f"outcome <> 'eligible' OR amount_due > 0 OR policy_code IN ({_CASE_BY_CASE}) AND amount_due IS NULL",
        "Whoever is eligible is due an amount; in an emergency and for a bill it is set case by case.",
    ),
    holds("amount_only_if_eligible", "outcome = 'eligible' OR amount_due IS NULL", "Nobody else is due one."),
    holds(
        "amount_sane",
        f"coalesce(amount_due, 0) BETWEEN 0 AND {_MOST_YUAN}",
        f"No amount is above {_MOST_YUAN} yuan.",
    ),
    holds(
        "finding_follows",
        "finding = CASE WHEN outcome IN ('unknown', 'candidate') OR receiving IS NULL THEN 'undecided'"
        " WHEN outcome = 'eligible' AND receiving THEN 'as_due' WHEN outcome = 'eligible' THEN 'unclaimed'"
        " WHEN receiving THEN 'receiving_not_found_eligible' ELSE 'not_due' END",
        "A finding follows from outcome and receiving and from nothing else.",
    ),
    no_rows(
        "deceased_never_eligible",
        f"SELECT count(*) AS dead FROM {ROWS} product JOIN core.dim_resident r ON r.resident_key = product.resident_key"
        " WHERE product.outcome = 'eligible' AND r.is_deceased"
        # A claim is judged on its own day: a later death takes nothing of it.
        " AND coalesce(r.died_on, DATE '0001-01-01') <= product.due_on HAVING count(*) > 0",
        "Nobody known to be dead on the day of the claim is eligible.",
    ),
    no_rows(
        "resident_known",
        f"SELECT count(*) AS strays FROM {ROWS} product LEFT JOIN core.dim_resident r"
        " ON r.resident_key = product.resident_key WHERE r.resident_key IS NULL HAVING count(*) > 0",
        "Every row is about a resident whom the register knows.",
    ),
    holds(
        "evidence_fields_known",
        f"NOT EXISTS (SELECT FROM jsonb_object_keys(evidence) k WHERE k NOT IN ({_quoted(EVIDENCE_KEYS)}))"
        " AND NOT EXISTS (SELECT FROM jsonb_array_elements(evidence -> 'records') r, jsonb_object_keys(r) k"
        f" WHERE k NOT IN ({_quoted(RECORD_KEYS)}))",
        "Evidence holds rules, records and payment orders by their numbers, and no other field.",
    ),
    holds(
        "no_identity_number",
        "(evidence::text || reason || array_to_string(missing_evidence, ' ')) !~ " + IDENTITY_NUMBER,
        "No identity number is shown.",
    ),
    no_rows(
        "no_name_in_reason",
        f"SELECT count(*) AS named FROM {ROWS} product"
        " JOIN core.dim_resident r ON r.resident_key = product.resident_key WHERE length(r.name) > 1"
        " AND position(r.name in product.reason || product.evidence::text) > 0 HAVING count(*) > 0",
        "No row names its resident.",
    ),
)
