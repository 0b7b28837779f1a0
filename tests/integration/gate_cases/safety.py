"""A sound candidate of the family safety, and what breaks each of its checks."""

from __future__ import annotations

from tests.integration.gate_cases import _discovery, _inspections
from tests.integration.gate_cases._canary import CANARY

CORE = """
CREATE TABLE core.dim_premises (premises_code text, state text);
CREATE TABLE core.dim_grid (grid_code text);
CREATE TABLE core.risk_weights (subject text, item text, value numeric, version text);
CREATE TABLE core.fct_hazard (hazard_no text, state text, found_on date);
INSERT INTO core.fct_hazard VALUES ('H1', 'open', '2026-06-29'), ('H2', 'closed', '2026-06-01');
INSERT INTO core.dim_premises VALUES ('A1', 'open'), ('A2', 'open'), ('A3', 'open'), ('A4', 'closed');
INSERT INTO core.dim_grid VALUES ('G1'), ('G2');
INSERT INTO core.risk_weights VALUES
    ('colour', 'red_from', 60, 'v1'), ('colour', 'yellow_from', 30, 'v1'), ('grid', 'minimum_premises', 1, 'v1'),
    ('plan', 'random_share', 0.08, 'v1');
"""
CANDIDATES = """
DROP TABLE IF EXISTS candidate.premises_risk, candidate.grid_risk;
CREATE TABLE candidate.premises_risk (
    premises_code text, premises_key text, enterprise_key text, name text, category text, grid_code text,
    community_code text, longitude double precision, latitude double precision, score integer, colour text, reason text,
    points jsonb, gates text[], unknown_inputs text[], last_inspected_on date, next_inspection_due date,
    overdue boolean, score_version text);
INSERT INTO candidate.premises_risk VALUES
    ('A1', 'K1', 'E1', 'Shop', 'street_shop', 'G1', 'C1', 120.1, 30.3, 8, 'green', 'green: score 8',
     '[{"rule": "category", "points": 8}]', '{}', '{}', '2026-06-20', '2026-07-20', false, 'v1'),
    ('A2', 'K2', NULL, 'Plant', 'hazmat_producer', 'G1', 'C1', 120.1, 30.3, 70, 'red', 'red: gate gas_hazard H1',
     '[{"rule": "category", "points": 25}, {"rule": "open_hazards", "points": 45}]', '{gas_hazard}', '{}',
     '2026-06-29', '2026-06-30', false, 'v1'),
    ('A3', 'K3', NULL, 'Site', 'construction_site', 'G2', 'C1', NULL, NULL, 16, 'grey', 'grey: never inspected',
     '[{"rule": "category", "points": 16}]', '{}', '{}', NULL, '2026-06-01', true, 'v1');
CREATE TABLE candidate.grid_risk (
    grid_code text, community_code text, name text, premises_count integer, scored_count integer, red_count integer,
    yellow_count integer, green_count integer, grey_count integer, coverage numeric(5, 4), raw_score numeric(8, 3),
    shrunk_score numeric(8, 3), colour text, confidence text, reason text, score_version text);
INSERT INTO candidate.grid_risk VALUES
    ('G1', 'C1', 'Grid 1', 2, 2, 1, 0, 1, 0, 1, 39, 39, 'yellow', 'high', 'yellow: mean score 39', 'v1'),
    ('G2', 'C1', 'Grid 2', 1, 0, 0, 0, 0, 1, 0, NULL, NULL, 'grey', 'none', 'grey: too few', 'v1');
ALTER TABLE candidate.premises_risk ADD held_inputs text[] DEFAULT '{}';
ALTER TABLE candidate.grid_risk ADD rows_held integer DEFAULT 0, ADD rows_held_unplaced integer DEFAULT 0,
    ADD community_name text, ADD border text DEFAULT '{"type": "Polygon", "coordinates": []}';
"""
CANDIDATES += _inspections.CANDIDATES + _discovery.CANDIDATES
LAWFUL = {
    **_inspections.LAWFUL,
    **_discovery.LAWFUL,
    "premises_risk": "select premises_code from landing.safety_inspection__premises",
    "grid_risk": "select grid_code from landing.grid_map__grids",
}
"""product → a query that its purpose permits"""

# check → what makes it fail. Other checks may fail along: one slip often breaks two rules.
BREAK_PREMISES = {
    "columns": "ALTER TABLE candidate.premises_risk ADD resident_id text",
    "code_given": "UPDATE candidate.premises_risk SET premises_code = NULL WHERE premises_code = 'A1'",
    "code_once": "UPDATE candidate.premises_risk SET premises_code = 'A2' WHERE premises_code = 'A1'",
    "colour_known": "UPDATE candidate.premises_risk SET colour = 'blue' WHERE premises_code = 'A1'",
    "category_known": "UPDATE candidate.premises_risk SET category = 'mosque' WHERE premises_code = 'A1'",
    "overdue_given": "UPDATE candidate.premises_risk SET overdue = NULL WHERE premises_code = 'A1'",
    "held_never_green": (
        "UPDATE candidate.premises_risk SET held_inputs = '{fire_119.incidents}' WHERE premises_code = 'A1'"
    ),
    "held_inputs_told": "UPDATE candidate.premises_risk SET held_inputs = NULL WHERE premises_code = 'A2'",
    "version_given": "UPDATE candidate.premises_risk SET score_version = NULL WHERE premises_code = 'A3'",
    "reason_given": "UPDATE candidate.premises_risk SET reason = ' ' WHERE premises_code = 'A1'",
    "score_bounded": "UPDATE candidate.premises_risk SET score = 101 WHERE premises_code = 'A2'",
    "score_is_sum_of_points": "UPDATE candidate.premises_risk SET score = 9 WHERE premises_code = 'A1'",
    "points_say_rule": """UPDATE candidate.premises_risk SET points = '[{"points": 8}]' WHERE premises_code = 'A1'""",
    "red_iff_score_or_gate": "UPDATE candidate.premises_risk SET gates = '{}', score = 59 WHERE premises_code = 'A2'",
    "yellow_between_lines": "UPDATE candidate.premises_risk SET colour = 'yellow' WHERE premises_code = 'A1'",
    "gated_never_mild": "UPDATE candidate.premises_risk SET gates = '{gas_hazard}' WHERE premises_code = 'A1'",
    "overdue_never_green": "UPDATE candidate.premises_risk SET overdue = true WHERE premises_code = 'A1'",
    "never_inspected_not_mild": "UPDATE candidate.premises_risk SET last_inspected_on = NULL"
    " WHERE premises_code = 'A1'",
    "unknown_input_is_grey": "UPDATE candidate.premises_risk SET unknown_inputs = '{fire_119.incidents}'"
    " WHERE premises_code = 'A1'",
    "unknown_input_no_score": "UPDATE candidate.premises_risk SET unknown_inputs = '{fire_119.incidents}'"
    " WHERE premises_code = 'A3'",
    "coloured_has_score": "UPDATE candidate.premises_risk SET score = NULL WHERE premises_code = 'A1'",
    "place_whole": "UPDATE candidate.premises_risk SET latitude = NULL WHERE premises_code = 'A1'",
    "grid_on_map": "UPDATE candidate.premises_risk SET grid_code = 'G9' WHERE premises_code = 'A1'",
    "every_open_premises_once": "DELETE FROM candidate.premises_risk WHERE premises_code = 'A1'",
    "no_identity_number": f"UPDATE candidate.premises_risk SET name = 'Wang {CANARY}' WHERE premises_code = 'A1'",
}
BREAK_GRIDS = {
    "border_is_an_area": "UPDATE candidate.grid_risk SET border = NULL WHERE grid_code = 'G1'",
    "held_counted": "UPDATE candidate.grid_risk SET rows_held = NULL WHERE grid_code = 'G1'",
    "columns": "ALTER TABLE candidate.grid_risk DROP confidence",
    "code_given": "UPDATE candidate.grid_risk SET grid_code = NULL WHERE grid_code = 'G1'",
    "code_once": "UPDATE candidate.grid_risk SET grid_code = 'G2'",
    "colour_known": "UPDATE candidate.grid_risk SET colour = 'purple' WHERE grid_code = 'G1'",
    "confidence_known": "UPDATE candidate.grid_risk SET confidence = 'sure' WHERE grid_code = 'G1'",
    "version_given": "UPDATE candidate.grid_risk SET score_version = NULL WHERE grid_code = 'G2'",
    "reason_given": "UPDATE candidate.grid_risk SET reason = NULL WHERE grid_code = 'G1'",
    "counts_add_up": "UPDATE candidate.grid_risk SET green_count = 2 WHERE grid_code = 'G1'",
    "coverage_is_share": "UPDATE candidate.grid_risk SET coverage = 0.5 WHERE grid_code = 'G1'",
    "scores_bounded": "UPDATE candidate.grid_risk SET raw_score = 120 WHERE grid_code = 'G1'",
    "grey_has_no_confidence": "UPDATE candidate.grid_risk SET confidence = 'low' WHERE grid_code = 'G2'",
    "coloured_has_score": "UPDATE candidate.grid_risk SET shrunk_score = NULL WHERE grid_code = 'G1'",
    "few_premises_are_grey": "UPDATE candidate.grid_risk SET scored_count = 0 WHERE grid_code = 'G1'",
    "worse_score_never_milder": "UPDATE candidate.grid_risk SET colour = 'green', shrunk_score = 50"
    " WHERE grid_code = 'G2'",
    "every_grid_once": "DELETE FROM candidate.grid_risk WHERE grid_code = 'G2'",
    "counts_match_premises": "UPDATE candidate.grid_risk SET green_count = 0, yellow_count = 1 WHERE grid_code = 'G1'",
}
BREAKS = {"premises_risk": BREAK_PREMISES, "grid_risk": BREAK_GRIDS, **_inspections.BREAKS, **_discovery.BREAKS}
