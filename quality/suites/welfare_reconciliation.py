"""What must hold of the reconciliation of claims and payments before anyone sees it."""

from __future__ import annotations

from quality.checks import ROWS, Check, columns, holds, in_set, no_rows, not_null, unique
from quality.suites.welfare_match import POLICIES

ORDERS = (
    "ordered_people", "ordered_orders", "ordered_amount", "paid_people", "paid_orders", "paid_amount",
    "pending_orders", "pending_amount", "returned_people", "returned_orders", "returned_amount", "unplaced_orders",
    "duplicate_orders", "duplicate_amount", "dead_orders", "dead_amount",
)  # fmt: skip
COLUMNS = (
    "policy_code", "period", "is_current", "state", "missing_inputs", "due_people", "due_amount", "open_people",
    *ORDERS, "returned_without_open_account", "difference_people", "difference_amount", "rule_version",
)  # fmt: skip

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("policy_given", "policy_code"),
    not_null("period_given", "period"),
    unique("period_once", ["policy_code", "period"]),
    in_set("policy_known", "policy_code", POLICIES),
    in_set("state_known", "state", ("agrees", "differs", "not_compared", "unknown")),
    not_null("version_given", "rule_version"),
    holds("period_is_one", "period ~ '^([0-9]{4}(-[0-9]{2})?|unreadable)$'", "A period is a month or a year."),
    holds(
        "orders_known_or_unknown",
        f"num_nulls({', '.join(ORDERS)}) IN (0, {len(ORDERS)})",
        "The figures of orders are known together or not at all.",
    ),
    holds(
        "orders_add_up",
        "ordered_orders IS NULL OR (ordered_orders = paid_orders + pending_orders + returned_orders"
        " AND ordered_amount = paid_amount + pending_amount + returned_amount)",
        "Orders are paid, on their way or returned.",
    ),
    holds(
        "parts_within_whole",
        "ordered_orders IS NULL OR (greatest(unplaced_orders, duplicate_orders, dead_orders, ordered_people)"
        " <= ordered_orders AND greatest(paid_people, returned_people) <= ordered_people"
        " AND dead_orders <= paid_orders AND coalesce(returned_without_open_account, 0) <= returned_orders)",
        "No part is larger than what it is a part of.",
    ),
    holds(
        "nothing_negative",
        "least(due_people, due_amount, open_people, ordered_amount, paid_amount, pending_amount, returned_amount,"
        " duplicate_orders, duplicate_amount, dead_orders, dead_amount, unplaced_orders, 0) >= 0",
        "No count and no sum is below zero.",
    ),
    holds(
        "unknown_says_what_is_missing",
        "(state = 'unknown') = (cardinality(missing_inputs) > 0)",
        "Unknown names what is missing; nothing else does.",
    ),
    holds(
        "only_the_current_period_is_compared",
        "is_current OR (num_nonnulls(due_people, due_amount, open_people) = 0 AND state NOT IN ('agrees', 'differs'))",
        "What is due is known of today alone.",
    ),
    holds(
        "state_follows",
        "state IN ('unknown', 'not_compared') OR state = CASE WHEN due_people = ordered_people"
        " AND due_people = ordered_orders AND due_amount = ordered_amount THEN 'agrees' ELSE 'differs' END",
        "It agrees when people, orders and yuan do.",
    ),
    holds(
        "open_claims_are_no_difference",
        "state <> 'differs' OR NOT (ordered_people > due_people AND ordered_people <= due_people + open_people"
        " AND ordered_orders = ordered_people AND ordered_amount > due_amount)",
        "What claims that are open may explain is unknown and no difference.",
    ),
    holds(
        "differences_follow",
        "difference_people IS NOT DISTINCT FROM ordered_people - due_people"
        " AND difference_amount IS NOT DISTINCT FROM ordered_amount - due_amount",
        "A difference is what was ordered minus what is due.",
    ),
    no_rows(
        "one_current_period",
        f"SELECT policy_code FROM {ROWS} product GROUP BY policy_code HAVING count(*) FILTER (WHERE is_current) <> 1",
        "Each policy has one current period.",
    ),
    no_rows(
        "every_order_counted",
        f"SELECT count(*) AS policies FROM (SELECT policy_code, sum(ordered_orders) AS orders FROM {ROWS} product"
        " GROUP BY policy_code HAVING count(*) = count(ordered_orders)) counted FULL JOIN"
        " (SELECT policy_code, count(*) AS orders FROM core.fct_payment GROUP BY policy_code) landed"
        " USING (policy_code) WHERE coalesce(counted.orders, 0) <> coalesce(landed.orders, 0)"
        f" AND NOT EXISTS (SELECT FROM {ROWS} product WHERE ordered_orders IS NULL) HAVING count(*) > 0",
        "Every payment order is counted once, under its policy.",
    ),
    no_rows(
        "due_people_are_matched",
        f"SELECT count(*) AS policies FROM {ROWS} product WHERE due_people > (SELECT count(*)"
        " FROM candidate.welfare_match m WHERE m.policy_code = product.policy_code AND m.outcome = 'eligible')"
        " HAVING count(*) > 0",
        "Nothing is due to more payees than were found eligible.",
    ),
)
