"""Sound plans of inspections and closings of hazards, and what breaks each of their checks. A part of `safety`."""

from __future__ import annotations

from tests.integration.gate_cases._canary import CANARY

CANDIDATES = """
DROP TABLE IF EXISTS candidate.inspection_plan, candidate.hazard_closure;
CREATE TABLE candidate.inspection_plan (
    premises_code text, premises_key text, name text, category text, grid_code text, community_code text, colour text,
    state text, due_on date, days_overdue integer, last_inspected_on date, last_inspector text, open_hazards integer,
    unconfirmed_hazards integer, needs_other_inspector boolean, not_by text[], drawn boolean, draw_reason text,
    reason text, unknown_inputs text[], score_version text);
INSERT INTO candidate.inspection_plan VALUES
    ('A1', 'K1', 'Shop', 'street_shop', 'G1', 'C1', 'green', 'later', '2026-07-20', 0, '2026-06-20', 'XC0001', 0, 0,
     false, '{}', false, 'not drawn for 2026-06', 'later: on 2026-07-20', '{}', 'v1'),
    ('A2', 'K2', 'Plant', 'hazmat_producer', 'G1', 'C1', 'red', 'due', '2026-06-30', 0, '2026-06-29', 'XC0002', 1, 0,
     true, '{XC0002}', true, 'drawn for 2026-06: 8 %', 'due: on 2026-06-30', '{}', 'v1'),
    ('A3', 'K3', 'Site', 'construction_site', 'G2', 'C1', 'grey', 'overdue', '2026-06-01', 29, NULL, NULL, 0, 0,
     false, '{}', false, 'not drawn for 2026-06', 'overdue: was due on 2026-06-01', '{}', 'v1');
CREATE TABLE candidate.hazard_closure (
    grid_code text, category text, community_code text, state text, hazards integer, open_hazards integer,
    overdue integer, unconfirmed integer, closed_on_time integer, closed_late integer,
    median_days_to_close numeric(8, 1), reinspected_share numeric(5, 4), unknown_inputs text[]);
INSERT INTO candidate.hazard_closure VALUES
    ('G1', 'hazmat_producer', 'C1', 'known', 4, 1, 1, 1, 1, 1, 6, 0.6667, '{}'),
    ('G2', 'hazmat_producer', 'C1', 'known', 0, 0, 0, 0, 0, 0, NULL, NULL, '{}');
ALTER TABLE candidate.inspection_plan ADD held_inputs text[] DEFAULT '{}';
ALTER TABLE candidate.hazard_closure ADD rows_held integer DEFAULT 0;
"""
LAWFUL = {
    "inspection_plan": "select inspection_no from landing.safety_inspection__inspections",
    "hazard_closure": "select hazard_no from landing.safety_inspection__hazards",
}


def _plan(change: str, code: str) -> str:
    return f"UPDATE candidate.inspection_plan SET {change} WHERE premises_code = '{code}'"


def _closure(change: str, grid: str = "G1") -> str:
    return f"UPDATE candidate.hazard_closure SET {change} WHERE grid_code = '{grid}'"


BREAKS = {
    "inspection_plan": {
        "columns": "ALTER TABLE candidate.inspection_plan ADD inspector_name text",
        "code_given": _plan("premises_code = NULL", "A1"),
        "code_once": _plan("premises_code = 'A2'", "A1"),
        "colour_known": _plan("colour = 'blue'", "A1"),
        "state_known": _plan("state = 'soon'", "A1"),
        "drawn_given": _plan("drawn = NULL", "A1"),
        "version_given": _plan("score_version = NULL", "A3"),
        "reason_given": _plan("reason = 'due: on 2026-07-20'", "A1"),
        "unknown_has_no_day": _plan("due_on = NULL", "A1"),
        "unknown_says_what_is_missing": _plan("state = 'unknown', due_on = NULL", "A1"),
        "state_follows_the_day": _plan("due_on = '2026-06-29'", "A2"),
        "days_overdue_counted": _plan("days_overdue = 28", "A3"),
        "grey_is_at_once": _plan("state = 'later'", "A3"),
        "waiting_hazard_needs_another": _plan("needs_other_inspector = false", "A2"),
        "nobody_kept_out_without_hazard": _plan("not_by = '{XC0001}'", "A1"),
        "staff_by_number": _plan("last_inspector = '王小明'", "A1"),
        "draw_explained": _plan("drawn = true", "A1"),
        "draw_is_fair": "UPDATE candidate.inspection_plan SET drawn = true",
        "every_risk_planned_once": "DELETE FROM candidate.inspection_plan WHERE premises_code = 'A3'",
        "no_identity_number": _plan(f"name = 'Wang {CANARY}'", "A1"),
    },
    "hazard_closure": {
        "columns": "ALTER TABLE candidate.hazard_closure DROP overdue",
        "grid_given": _closure("grid_code = NULL"),
        "pair_once": _closure("grid_code = 'G2'"),
        "category_known": _closure("category = 'mosque'"),
        "state_known": _closure("state = 'perhaps'"),
        "held_is_incomplete": _closure("rows_held = 1"),
        "unknown_tells_no_figure": _closure("unknown_inputs = '{safety_inspection.hazards}'"),
        "known_is_counted": _closure("hazards = NULL", "G2"),
        "counts_add_up": _closure("overdue = 2"),
        "share_follows": _closure("reinspected_share = 1"),
        "median_of_closed": _closure("median_days_to_close = NULL"),
        "median_not_negative": _closure("median_days_to_close = -1"),
        "every_grid_in_every_category": "DELETE FROM candidate.hazard_closure WHERE grid_code = 'G2'",
        "grid_on_map": _closure("grid_code = 'G9'", "G2"),
        "open_hazards_all_counted": _closure(
            "hazards = 0, open_hazards = 0, overdue = 0, unconfirmed = 0, closed_on_time = 0, closed_late = 0"
        ),
    },
}
