"""What must hold of the alarms of door sensors before anyone is sent to a door."""

from __future__ import annotations

from quality.checks import IDENTITY_NUMBER, ROWS, Check, columns, holds, in_set, no_rows, not_null, unique

COLUMNS = (
    "device_id", "community_code", "grid_code", "state", "reason", "next_step", "quiet_hours", "unheard_hours",
    "battery", "hours_heard", "heard_until", "unknown_inputs", "rule_version",
    "rows_held", "rows_held_unplaced",
)  # fmt: skip
STEP_OF = {
    "moved": ("normal", "none"),
    "quiet": ("no_movement", "call_then_visit"),
    "unheard": ("device_unheard", "check_device"),
    "battery": ("battery_flat", "replace_battery"),
    "clock": ("clock_wrong", "set_clock"),
    "input": ("unknown", "ask_platform"),
    "held": ("unknown", "ask_platform"),
    "platform_silent": ("unknown", "ask_platform"),
    "new": ("unknown", "wait"),
    "heard_too_little": ("unknown", "wait"),
}
"""reason → the state it means and what to do"""
_RULES = ", ".join(f"('{reason}', '{state}', '{step}')" for reason, (state, step) in STEP_OF.items())
_PARAMETER = "(SELECT min(p.value) FROM core.care_parameters p WHERE p.item = '{}' AND p.version = rule_version)"

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("device_given", "device_id"),
    unique("device_once", ["device_id"]),
    in_set("state_known", "state", sorted({state for state, _ in STEP_OF.values()})),
    not_null("version_given", "rule_version"),
    holds(
        "state_and_step_follow",
        f"(reason, state, next_step) IN ({_RULES})",
        "State and next step follow from the reason and from nothing else: no fault of a device sends for a person.",
    ),
    holds(
        "quiet_was_heard",
        "state <> 'no_movement' OR coalesce(hours_heard >="
        f" {_PARAMETER.format('heard_share_from')} * {_PARAMETER.format('quiet_hours')} AND quiet_hours >= 0, false)",
        "That nobody moved is said only of a device that was heard nearly all the time.",
    ),
    holds("quiet_hours_of_quiet_doors", "state = 'no_movement' OR quiet_hours IS NULL", "Nobody else's quiet is told."),
    holds(
        "flat_is_flat",
        f"state <> 'battery_flat' OR coalesce(battery <= {_PARAMETER.format('flat_battery_to')}, false)",
        "A flat battery said so itself.",
    ),
    holds(
        "unheard_is_unheard",
        f"state <> 'device_unheard' OR coalesce(unheard_hours >= {_PARAMETER.format('unheard_hours')}, true)",
        "A silent device was silent long enough.",
    ),
    holds(
        "unknown_input_is_unknown",
        "cardinality(unknown_inputs) = 0 OR (state = 'unknown' AND reason = 'input')",
        "Without an input nobody is known.",
    ),
    holds(
        "held_never_normal",
        "coalesce(rows_held_unplaced >= 0 AND (rows_held = 0 OR state <> 'normal'), false)"
        " AND (reason <> 'held' OR rows_held > 0)",
        "A device of which rows wait in quarantine is not called normal.",
    ),
    holds("battery_is_a_percentage", "coalesce(battery, 0) BETWEEN 0 AND 100", "A battery holds between 0 and 100 %."),
    holds("no_identity_number", "device_id !~ " + IDENTITY_NUMBER, "A device is no person."),
    no_rows(
        "not_most_are_silent",
        "SELECT 1 AS breach FROM (SELECT avg((state = 'device_unheard')::integer) AS silent, min(rule_version) AS"
        f" rule_version FROM {ROWS} batch_rows) product WHERE product.silent > {_PARAMETER.format('silent_share_to')}",
        "When most devices are silent it is the platform, and none of them is sent for.",
    ),
    no_rows(
        "every_device_once",
        "SELECT count(*) AS differences FROM core.dim_care_device device FULL JOIN"
        f" (SELECT device_id, count(*) AS times FROM {ROWS} batch_rows GROUP BY 1) product"
        " ON product.device_id = device.device_id"
        " WHERE device.device_id IS NULL OR coalesce(product.times, 0) <> 1 HAVING count(*) > 0",
        "Every device of the register stands exactly once, and no other.",
    ),
)
