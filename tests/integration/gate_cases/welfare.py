"""A sound candidate of the family welfare, and what breaks each of its checks."""

from __future__ import annotations

from tests.integration.gate_cases._canary import CANARY

CORE = """
CREATE TABLE core.dim_resident (resident_key text, name text, is_deceased boolean, died_on date);
INSERT INTO core.dim_resident VALUES ('R1', '王小明', false, NULL), ('R2', '李四', true, '2026-01-01');
CREATE TABLE core.fct_payment (payment_no text, policy_code text);
INSERT INTO core.fct_payment VALUES ('Z1', 'P07'), ('Z2', 'P08'), ('Z3', 'P08'), ('Z4', 'P08');
"""
CANDIDATES = """
DROP TABLE IF EXISTS candidate.welfare_match;
CREATE TABLE candidate.welfare_match (
    resident_key text, policy_code text, community_code text, outcome text, reason text, missing_evidence text[],
    receiving boolean, finding text, amount_due numeric(12, 2), rule_version text, evidence jsonb, due_on date);
INSERT INTO candidate.welfare_match VALUES
    ('R1', 'P08', 'C1', 'eligible', 'age 85', '{}', false, 'unclaimed', 100, 'P08-1',
     '{"rules": ["P08.age"], "records": [{"system": "household_registry", "stream": "residents", "record": "P1"}],
       "payments": [], "paid_twice": false}', '2026-06-30'),
    ('R1', 'P07', 'C1', 'unknown', 'no level', '{level}', true, 'undecided', NULL, 'P07-1',
     '{"rules": [], "records": [], "payments": ["Z1"], "paid_twice": false}', '2026-06-30'),
    ('R2', 'P08', 'C1', 'not_eligible', 'deceased', '{}', true, 'receiving_not_found_eligible', NULL, 'P08-1',
     '{"rules": ["all.alive"], "records": [], "payments": [], "paid_twice": true}', '2026-06-30');
DROP TABLE IF EXISTS candidate.welfare_reconciliation;
CREATE TABLE candidate.welfare_reconciliation (
    policy_code text, period text, is_current boolean, state text, missing_inputs text[], due_people bigint,
    due_amount numeric(14, 2), open_people bigint, ordered_people bigint, ordered_orders bigint,
    ordered_amount numeric(14, 2), paid_people bigint, paid_orders bigint, paid_amount numeric(14, 2),
    pending_orders bigint, pending_amount numeric(14, 2), returned_people bigint, returned_orders bigint,
    returned_amount numeric(14, 2), returned_without_open_account bigint, unplaced_orders bigint,
    duplicate_orders bigint, duplicate_amount numeric(14, 2), dead_orders bigint, dead_amount numeric(14, 2),
    difference_people bigint, difference_amount numeric(14, 2), rule_version text);
INSERT INTO candidate.welfare_reconciliation VALUES
    ('P07', '2026', true, 'unknown', '{disability_certificate.certificates}', NULL, NULL, 1,
     1, 1, 500, 1, 1, 500, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, 'P07-1'),
    ('P08', '2026', true, 'differs', '{}', 1, 1200, 0,
     2, 2, 1200, 1, 1, 600, 1, 600, 0, 0, 0, NULL, 0, 0, 0, 1, 600, 1, 0, 'P08-1'),
    ('P08', '2025', false, 'not_compared', '{}', NULL, NULL, NULL,
     1, 1, 600, 0, 0, 0, 0, 0, 1, 1, 600, 1, 0, 0, 0, 0, 0, NULL, NULL, 'P08-1');
"""
LAWFUL = {
    "welfare_match": "select person_no from landing.household_registry__residents where _to_load is null",
    "welfare_reconciliation": "select policy_code from landing.welfare_payment__payments where _to_load is null",
}
"""product → a query that its purpose permits"""

# check → what makes it fail. Other checks may fail along: one slip often breaks two rules.
BREAK_WELFARE = {
    "columns": "ALTER TABLE candidate.welfare_match ADD name text",
    "resident_given": "UPDATE candidate.welfare_match SET resident_key = NULL WHERE policy_code = 'P07'",
    "policy_given": "UPDATE candidate.welfare_match SET policy_code = NULL WHERE policy_code = 'P07'",
    "pair_once": "UPDATE candidate.welfare_match SET policy_code = 'P08' WHERE policy_code = 'P07'",
    "policy_known": "UPDATE candidate.welfare_match SET policy_code = 'P99' WHERE policy_code = 'P07'",
    "outcome_known": "UPDATE candidate.welfare_match SET outcome = 'no' WHERE policy_code = 'P07'",
    "finding_known": "UPDATE candidate.welfare_match SET finding = 'fraud' WHERE policy_code = 'P07'",
    "version_given": "UPDATE candidate.welfare_match SET rule_version = NULL WHERE policy_code = 'P07'",
    "day_given": "UPDATE candidate.welfare_match SET due_on = NULL WHERE policy_code = 'P07'",
    "day_past": "UPDATE candidate.welfare_match SET due_on = '2026-07-01' WHERE policy_code = 'P07'",
    "reason_given": "UPDATE candidate.welfare_match SET reason = '' WHERE policy_code = 'P07'",
    "unknown_says_what_is_missing": "UPDATE candidate.welfare_match SET missing_evidence = '{}'"
    " WHERE policy_code = 'P07'",
    "eligible_has_amount": "UPDATE candidate.welfare_match SET amount_due = NULL WHERE outcome = 'eligible'",
    "amount_only_if_eligible": "UPDATE candidate.welfare_match SET amount_due = 100 WHERE policy_code = 'P07'",
    "amount_sane": "UPDATE candidate.welfare_match SET amount_due = 100000 WHERE outcome = 'eligible'",
    "finding_follows": "UPDATE candidate.welfare_match SET finding = 'as_due' WHERE outcome = 'eligible'",
    "deceased_never_eligible": "UPDATE candidate.welfare_match SET outcome = 'eligible' WHERE resident_key = 'R2'",
    "resident_known": "UPDATE candidate.welfare_match SET resident_key = 'R9' WHERE policy_code = 'P07'",
    "evidence_fields_known": """UPDATE candidate.welfare_match SET evidence = evidence || '{"phone": "1"}'""",
    "no_identity_number": f"UPDATE candidate.welfare_match SET reason = 'holder of {CANARY}' WHERE policy_code = 'P07'",
    "no_name_in_reason": "UPDATE candidate.welfare_match SET reason = '王小明, age 85' WHERE outcome = 'eligible'",
}
_PAID = "UPDATE candidate.welfare_reconciliation SET {} WHERE policy_code = 'P08' AND is_current"
BREAK_RECONCILIATION = {
    "columns": "ALTER TABLE candidate.welfare_reconciliation ADD resident_key text",
    "policy_given": _PAID.format("policy_code = NULL"),
    "period_given": _PAID.format("period = NULL"),
    "period_once": _PAID.format("period = '2025'"),
    "policy_known": _PAID.format("policy_code = 'P99'"),
    "state_known": _PAID.format("state = 'fraud'"),
    "version_given": _PAID.format("rule_version = NULL"),
    "period_is_one": _PAID.format("period = 'spring'"),
    "orders_known_or_unknown": _PAID.format("dead_amount = NULL"),
    "orders_add_up": _PAID.format("pending_orders = 0"),
    "parts_within_whole": _PAID.format("dead_orders = 2"),
    "nothing_negative": _PAID.format("duplicate_amount = -1"),
    "unknown_says_what_is_missing": _PAID.format("missing_inputs = '{pension.pensioners}'"),
    "only_the_current_period_is_compared": "UPDATE candidate.welfare_reconciliation SET open_people = 1"
    " WHERE NOT is_current",
    "state_follows": _PAID.format("state = 'agrees'"),
    "open_claims_are_no_difference": _PAID.format("due_amount = 600, difference_amount = 600, open_people = 1"),
    "differences_follow": _PAID.format("difference_people = 0"),
    "one_current_period": _PAID.format("is_current = false"),
    "every_order_counted": _PAID.format("ordered_orders = 3, paid_orders = 2"),
    "due_people_are_matched": _PAID.format("due_people = 2, difference_people = 0"),
}
BREAKS = {"welfare_match": BREAK_WELFARE, "welfare_reconciliation": BREAK_RECONCILIATION}
