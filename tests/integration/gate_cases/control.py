"""A sound candidate of the family control, and what breaks each of its checks."""

from __future__ import annotations

from tests.integration.gate_cases._canary import CANARY

CORE = """
CREATE TABLE core.dim_care_device (device_id text);
CREATE TABLE core.care_parameters (item text, value numeric, version text);
INSERT INTO core.dim_care_device VALUES ('D1'), ('D2'), ('D3'), ('D4'), ('D5');
INSERT INTO core.care_parameters VALUES
    ('heard_share_from', 0.8, 'v1'), ('quiet_hours', 24, 'v1'), ('flat_battery_to', 5, 'v1'),
    ('unheard_hours', 6, 'v1'), ('silent_share_to', 0.5, 'v1');
"""
CANDIDATES = """
DROP TABLE IF EXISTS candidate.elder_care_alarm;
CREATE TABLE candidate.elder_care_alarm (
    device_id text, community_code text, grid_code text, state text, reason text, next_step text, quiet_hours integer,
    unheard_hours integer, battery integer, hours_heard integer, heard_until timestamptz, unknown_inputs text[],
    rule_version text);
INSERT INTO candidate.elder_care_alarm VALUES
    ('D1', 'C1', 'G1', 'normal', 'moved', 'none', NULL, NULL, 80, 24, '2026-06-30 10:00:00+08', '{}', 'v1'),
    ('D2', 'C1', 'G1', 'no_movement', 'quiet', 'call_then_visit', 30, NULL, 80, 24, '2026-06-30 10:00:00+08', '{}',
     'v1'),
    ('D3', 'C1', 'G1', 'device_unheard', 'unheard', 'check_device', NULL, 9, NULL, 3, '2026-06-30 10:00:00+08', '{}',
     'v1'),
    ('D4', 'C1', 'G1', 'battery_flat', 'battery', 'replace_battery', NULL, 9, 3, 3, '2026-06-30 10:00:00+08', '{}',
     'v1'),
    ('D5', NULL, NULL, 'unknown', 'new', 'wait', NULL, NULL, NULL, 0, '2026-06-30 10:00:00+08', '{}', 'v1');
ALTER TABLE candidate.elder_care_alarm ADD rows_held integer DEFAULT 0, ADD rows_held_unplaced integer DEFAULT 0;
"""
LAWFUL = {"elder_care_alarm": "select device_id from landing.elder_door_sensor__devices"}
"""product → a query that its purpose permits"""


def _device(change: str, device: str = "D1") -> str:
    return f"UPDATE candidate.elder_care_alarm SET {change} WHERE device_id = '{device}'"


# check → what makes it fail. Other checks may fail along: one slip often breaks two rules.
BREAK_ALARMS = {
    "columns": "ALTER TABLE candidate.elder_care_alarm ADD resident_id text",
    "device_given": _device("device_id = NULL"),
    "device_once": _device("device_id = 'D2'"),
    "state_known": _device("state = 'dead'"),
    "version_given": _device("rule_version = NULL"),
    # A flat battery sends nobody to a person.
    "state_and_step_follow": _device("next_step = 'call_then_visit'", "D4"),
    "quiet_was_heard": _device("hours_heard = 19", "D2"),
    "quiet_hours_of_quiet_doors": _device("quiet_hours = 3"),
    "flat_is_flat": _device("battery = 50", "D4"),
    "unheard_is_unheard": _device("unheard_hours = 5", "D3"),
    "unknown_input_is_unknown": _device("unknown_inputs = '{elder_door_sensor.readings}'"),
    "held_never_normal": _device("rows_held = 1"),
    "battery_is_a_percentage": _device("battery = 255"),
    "no_identity_number": _device(f"device_id = '{CANARY}'"),
    "not_most_are_silent": "UPDATE candidate.elder_care_alarm SET state = 'device_unheard' WHERE device_id <> 'D1'",
    "every_device_once": "DELETE FROM candidate.elder_care_alarm WHERE device_id = 'D5'",
}
BREAKS = {"elder_care_alarm": BREAK_ALARMS}
