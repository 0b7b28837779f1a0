"""A sound candidate of the family enforcement, and what breaks each of its checks."""

from __future__ import annotations

from tests.integration.gate_cases._canary import CANARY

# The grids are those of the family safety: G1 and G2, which this family reads with their community.
CORE = """
ALTER TABLE core.dim_grid ADD community_code text;
UPDATE core.dim_grid SET community_code = 'C1';
CREATE TABLE core.dim_community (community_code text);
CREATE TABLE core.fct_event (event_key text, reported_at timestamptz);
CREATE TABLE core.event_types (event_type text, between_persons boolean);
CREATE TABLE core.event_parameters (item text, value numeric, version text);
CREATE TABLE core.fct_dispute (community_code text, category text, accepted_on date);
CREATE TABLE core.fct_repair (state text, reported_on date);
INSERT INTO core.dim_community VALUES ('C1');
INSERT INTO core.fct_event VALUES
    ('police_110:A1', '2026-06-28 08:00:00+08'), ('four_platform:A2', '2026-06-28 09:00:00+08'),
    ('four_platform:A3', '2026-06-20 08:00:00+08'), ('snapshot_report:A4', '2026-06-20 08:00:00+08'),
    ('police_110:A5', '2026-06-20 08:00:00+08'), ('fire_119:A6', '2026-06-20 08:00:00+08'),
    ('police_110:A7', '2026-07-01 00:00:00+08');
INSERT INTO core.event_types VALUES ('fire', false), ('dispute', true);
INSERT INTO core.event_parameters VALUES
    ('window_days', 30, 'v1'), ('few_below', 2, 'v1'), ('high_from', 1.5, 'v1'), ('raised_from', 1.2, 'v1'),
    ('low_to', 0.67, 'v1'), ('dispute_cell_from', 5, 'v1'), ('repair_median_from', 5, 'v1'),
    ('flow_known_from', 0.9, 'v1'), ('flow_unknown_below', 0.5, 'v1');
INSERT INTO core.fct_dispute SELECT 'C1', 'family', DATE '2026-06-01' FROM generate_series(1, 16);
INSERT INTO core.fct_repair VALUES ('reported', '2026-06-29'), ('accepted', '2026-06-01'), ('done', '2026-06-01');
"""
CANDIDATES = """
DROP TABLE IF EXISTS candidate.event, candidate.int_event_incident, candidate.event_hotspot, candidate.dispute,
    candidate.repair, candidate.community_flow;
CREATE TABLE candidate.event (
    incident_key text, lead_report text, lead_channel text, event_type text, grid_code text, community_code text,
    grid_from text, longitude double precision, latitude double precision, sources jsonb, report_count integer,
    channel_count integer, reported_at timestamptz, reported_on date, dispatched_at timestamptz, handled_at timestamptz,
    closed_at timestamptz, closed_no_later_than timestamptz, feedback_at timestamptz, state text, due_at timestamptz,
    due_from text, limit_version text, overdue boolean, reopened boolean, closed_in_time boolean, doubts text[],
    unknown_inputs text[]);
INSERT INTO candidate.event VALUES
    ('I1', 'police_110:A1', 'police_110', 'fire', 'G1', 'C1', 'map', 120.1, 30.3,
     '[{"system": "police_110", "stream": "incidents", "record": "A1", "step": "closed"},
       {"system": "four_platform", "stream": "events", "record": "A2", "step": "closed"}]', 2, 2,
     '2026-06-28 08:00:00+08', '2026-06-28', '2026-06-28 09:10:00+08', NULL, '2026-06-28 20:00:00+08',
     '2026-06-28 21:00:00+08', NULL, 'closed', '2026-06-29 08:00:00+08', 'rule', 'v1', false, false, true,
     '{}', '{}'),
    ('I2', 'four_platform:A3', 'four_platform', 'dispute', NULL, 'C1', 'stated', NULL, NULL,
     '[{"system": "four_platform", "stream": "events", "record": "A3", "step": "closed"}]', 1, 1,
     NULL, '2026-06-20', NULL, NULL, NULL, NULL, NULL,
     'closed', NULL, 'rule', 'v1', false, false, NULL, '{bulk_closed}', '{}'),
    ('I3', 'snapshot_report:A4', 'snapshot_report', 'fire', NULL, NULL, NULL, NULL, NULL,
     '[{"system": "snapshot_report", "stream": "reports", "record": "A4", "step": "accepted"}]', 1, 1,
     '2026-06-20 08:00:00+08', '2026-06-20', NULL, NULL, NULL, NULL, NULL,
     'unknown', '2026-06-21 08:00:00+08', 'rule', 'v1', NULL, false, NULL, '{input}', '{snapshot_report.reports}'),
    ('I4', 'police_110:A5', 'police_110', 'fire', 'G2', 'C1', 'map', 120.1, 30.3,
     '[{"system": "police_110", "stream": "incidents", "record": "A5", "step": "dispatched"}]', 1, 1,
     '2026-06-20 08:00:00+08', '2026-06-20', '2026-06-20 08:10:00+08', NULL, NULL, NULL, NULL,
     'dispatched', '2026-06-21 08:00:00+08', 'source', NULL, true, false, NULL, '{}', '{}'),
    ('I5', 'fire_119:A6', 'fire_119', 'fire', 'G1', 'C1', 'map', 120.1, 30.3,
     '[{"system": "fire_119", "stream": "incidents", "record": "A6", "step": "closed"}]', 1, 1,
     '2026-06-20 08:00:00+08', '2026-06-20', NULL, NULL, '2026-06-22 08:00:00+08', '2026-06-22 08:00:00+08', NULL,
     'closed', '2026-06-21 08:00:00+08', 'rule', 'v1', false, false, false, '{}', '{}');
CREATE TABLE candidate.int_event_incident AS
SELECT event_type, CASE incident_key WHEN 'I2' THEN 'G1' ELSE grid_code END AS grid_code, reported_on, state
FROM candidate.event;
CREATE TABLE candidate.event_hotspot (
    grid_code text, event_type text, community_code text, window_from date, window_to date, level text,
    incidents integer, incidents_before integer, share_of_grid numeric(5, 4), rate_per_1000_doors numeric(10, 3),
    ratio_to_town numeric(8, 3), trend text, few boolean, doors integer, placed_share numeric(5, 4),
    unknown_inputs text[], method_version text);
INSERT INTO candidate.event_hotspot VALUES
    ('G1', 'fire', 'C1', '2026-06-01', '2026-06-30', 'high', 2, 3, 1, 200, 1.6, 'steady', false, 10, 0.7, '{}', 'v1'),
    ('G1', 'dispute', 'C1', '2026-06-01', '2026-06-30', 'few', NULL, NULL, NULL, NULL, NULL, 'unknown', true, 10, 1,
     '{}', 'v1'),
    ('G2', 'fire', 'C1', '2026-06-01', '2026-06-30', 'unknown', NULL, NULL, NULL, NULL, NULL, 'unknown', false, 0, 0.7,
     '{}', 'v1'),
    ('G2', 'dispute', 'C1', '2026-06-01', '2026-06-30', 'few', 0, 0, NULL, NULL, NULL, 'unknown', true, 10, 1, '{}',
     'v1');
CREATE TABLE candidate.dispute (
    community_code text, category text, month text, cell text, opened integer, mediated integer, agreed integer,
    open_beyond_limit integer, open_without_limit integer, unknown_inputs text[], method_version text);
INSERT INTO candidate.dispute
SELECT place, kind, '2026-06', CASE place WHEN 'town' THEN 'too_few' ELSE 'merged' END, NULL, NULL, NULL, NULL, NULL,
    '{}', 'v1'
FROM unnest(ARRAY['neighbours', 'family', 'labour', 'property_management', 'tenancy', 'consumer']) kind,
    unnest(ARRAY['C1', 'town']) place;
UPDATE candidate.dispute SET (cell, opened, mediated, agreed, open_beyond_limit, open_without_limit)
    = ('shown', 16, 3, 2, 1, 1) WHERE (community_code, category) = ('C1', 'family');
CREATE TABLE candidate.repair (
    estate text, community_code text, finding text, reported integer, accepted integer, repairing integer, done integer,
    overdue integer, median_hours_to_accept numeric(12, 2), median_hours_to_begin numeric(12, 2),
    median_hours_to_repair numeric(12, 2), median_hours_to_done numeric(12, 2), unknown_inputs text[],
    method_version text);
INSERT INTO candidate.repair VALUES
    ('锦绣花园', 'C1', 'known', 1, 1, 0, 5, 1, 1, 2, 3, 6, '{}', 'v1'),
    ('未对应小区', NULL, 'known', 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, '{}', 'v1');
CREATE TABLE candidate.community_flow (
    community_code text, day date, finding text, passes_in integer, passes_out integer, gates integer,
    gates_heard integer, hours_heard integer, hours_expected integer, coverage numeric(5, 4), unknown_inputs text[],
    method_version text);
INSERT INTO candidate.community_flow VALUES
    ('C1', '2026-06-29', 'known', 100, 90, 1, 1, 24, 24, 1, '{}', 'v1'),
    ('C1', '2026-06-28', 'partial', 50, 45, 1, 1, 12, 24, 0.5, '{}', 'v1'),
    ('C1', '2026-06-27', 'unknown', NULL, NULL, 1, 0, 0, 24, 0, '{}', 'v1'),
    ('C1', '2026-06-26', 'no_gates', NULL, NULL, 0, 0, 0, 0, NULL, '{}', 'v1');
ALTER TABLE candidate.event_hotspot ADD rows_held integer DEFAULT 0, ADD rows_held_unplaced integer DEFAULT 0;
ALTER TABLE candidate.dispute ADD rows_held_unplaced integer DEFAULT 0;
ALTER TABLE candidate.repair ADD rows_held_unplaced integer DEFAULT 0;
"""
LAWFUL = {
    "event": "select event_no from landing.four_platform__events",
    "event_hotspot": "select grid_code from landing.grid_map__grids",
    "dispute": "select case_no from landing.dispute_mediation__cases",
    "repair": "select repair_no from landing.neighbour_service__repairs",
    "community_flow": "select device_no from landing.smart_community__hourly_counts",
}
"""product → a query that its purpose permits"""


def _event(change: str, incident: str = "I1") -> str:
    return f"UPDATE candidate.event SET {change} WHERE incident_key = '{incident}'"


def _hotspot(change: str, grid: str = "G1", kind: str = "fire") -> str:
    return f"UPDATE candidate.event_hotspot SET {change} WHERE (grid_code, event_type) = ('{grid}', '{kind}')"


def _family(change: str, place: str = "C1") -> str:
    return f"UPDATE candidate.dispute SET {change} WHERE (community_code, category) = ('{place}', 'family')"


def _repair(change: str) -> str:
    return f"UPDATE candidate.repair SET {change} WHERE estate = '锦绣花园'"


def _flow(change: str, day: str = "2026-06-29") -> str:
    return f"UPDATE candidate.community_flow SET {change} WHERE day = '{day}'"


# check → what makes it fail. Other checks may fail along: one slip often breaks two rules.
BREAK_EVENTS = {
    "columns": "ALTER TABLE candidate.event ADD caller_phone text",
    "incident_given": _event("incident_key = NULL"),
    "incident_once": _event("incident_key = 'I2'"),
    "reopened_given": _event("reopened = NULL"),
    "state_known": _event("state = 'solved'"),
    "lead_channel_known": _event("lead_channel = 'petition'"),
    "grid_from_known": _event("grid_from = 'guess'"),
    "due_from_known": _event("due_from = 'nobody'"),
    "doubts_known": _event("doubts = '{bad_people}'"),
    "sources_are_record_names": _event("""sources = '[{"system": "police_110", "phone": "1"}]'"""),
    "counts_are_of_the_sources": _event("channel_count = 1"),
    "lead_is_a_source": _event("lead_report = 'police_110:A9'"),
    "steps_follow_the_report": _event("dispatched_at = '2026-06-27 08:00:00+08'"),
    "day_is_of_the_report": _event("reported_on = '2026-06-27'"),
    "nothing_of_tomorrow": _event("reported_on = '2026-07-01'"),
    "due_says_from_what": _event("due_from = NULL"),
    "rule_has_version": _event("limit_version = NULL"),
    "closed_time_only_when_closed": _event("state = 'handled'"),
    "doubtful_never_in_time": _event("closed_in_time = true", "I2"),
    "in_time_is_within_the_limit": _event("due_at = '2026-06-28 20:30:00+08'"),
    "late_is_beyond_the_limit": _event("closed_in_time = false"),
    "closing_time_is_of_all": _event("doubts = '{no_closing_time}'"),
    "overdue_is_open": _event("overdue = true"),
    "open_beyond_its_day_is_overdue": _event("overdue = false", "I4"),
    "unknown_is_never_good": _event("overdue = false", "I3"),
    "dead_channel_is_doubtful": _event("doubts = '{only_seen}'", "I3"),
    "place_whole": _event("latitude = NULL"),
    "no_place_between_persons": _event("grid_code = 'G1'", "I2"),
    "no_clock_between_persons": _event("closed_at = '2026-06-25 17:00:00+08'", "I2"),
    "type_known": _event("event_type = 'gossip'"),
    "grid_on_map": _event("community_code = 'C2'"),
    "every_report_once": "DELETE FROM candidate.event WHERE incident_key = 'I4'",
    "no_identity_number": _event(f"lead_report = 'police_110:{CANARY}'"),
}
BREAK_HOTSPOTS = {
    "columns": "ALTER TABLE candidate.event_hotspot ADD caller text",
    "grid_given": _hotspot("grid_code = NULL"),
    "held_counted": _hotspot("rows_held_unplaced = NULL"),
    "type_given": _hotspot("event_type = NULL"),
    "cell_once": _hotspot("grid_code = 'G2'"),
    "version_given": _hotspot("method_version = NULL"),
    "level_known": _hotspot("level = 'bad'"),
    "trend_known": _hotspot("trend = 'worse'"),
    "window_has_its_days": _hotspot("window_from = '2026-06-02'"),
    "few_or_unknown_say_no_rate": _hotspot("ratio_to_town = 1", "G2"),
    "level_rests_on_enough": _hotspot("incidents = 1"),
    "few_says_so": _hotspot("few = true"),
    "few_is_few": _hotspot("incidents = 7", "G2", "dispute"),
    "unknown_input_is_unknown": _hotspot("unknown_inputs = '{fire_119.incidents}'"),
    "unknown_has_no_count": _hotspot("incidents = 3", "G2"),
    "level_follows_ratio": _hotspot("level = 'low'"),
    "rate_is_count_over_doors": _hotspot("rate_per_1000_doors = 10"),
    "shares_are_shares": _hotspot("share_of_grid = 1.2"),
    "share_is_of_what_is_shown": _hotspot("share_of_grid = 0.6667"),
    "few_between_persons_not_counted": _hotspot("incidents = 1", "G1", "dispute"),
    "every_grid_and_kind_once": "DELETE FROM candidate.event_hotspot WHERE grid_code = 'G2'",
    "counts_are_of_the_incidents": _hotspot("incidents = 3"),
}
BREAK_DISPUTES = {
    "columns": "ALTER TABLE candidate.dispute ADD party text",
    "community_given": _family("community_code = NULL"),
    "cell_once": _family("community_code = 'town'"),
    "category_known": _family("category = 'marriage'"),
    "cell_known": _family("cell = 'hidden'"),
    "version_given": _family("method_version = NULL"),
    "month_is_a_month": _family("month = '2026-13'"),
    "small_cells_are_not_shown": _family("opened = 4, mediated = 2"),
    "what_is_not_shown_has_no_figure": _family("cell = 'merged'"),
    "parts_stand_on_enough": _family("opened = 14"),
    "figures_add_up": _family("agreed = 4"),
    "merged_is_a_community": _family("cell = 'merged'", "town"),
    "too_few_is_the_town": _family("cell = 'too_few'"),
    "unknown_input_is_unknown": _family("unknown_inputs = '{dispute_mediation.cases}'"),
    "every_community_and_kind_each_month": "DELETE FROM candidate.dispute WHERE category = 'labour'",
    "shown_are_the_disputes": _family("opened = 17"),
}
BREAK_REPAIRS = {
    "columns": "ALTER TABLE candidate.repair ADD house text",
    "estate_given": _repair("estate = NULL"),
    "estate_once": _repair("estate = '未对应小区'"),
    "finding_known": _repair("finding = 'bad'"),
    "version_given": _repair("method_version = NULL"),
    "unknown_has_no_figure": _repair("overdue = NULL"),
    "unknown_input_is_unknown": _repair("unknown_inputs = '{neighbour_service.repairs}'"),
    "overdue_are_open": _repair("overdue = 3"),
    "figures_not_negative": _repair("median_hours_to_done = -1"),
    "medians_rest_on_enough": _repair("done = 4"),
    "community_on_map": _repair("community_code = 'C9'"),
    "every_open_repair_counted": _repair("accepted = 2"),
}
BREAK_FLOWS = {
    "columns": "ALTER TABLE candidate.community_flow ADD plate text",
    "community_given": _flow("community_code = NULL"),
    "day_once": _flow("day = '2026-06-28'"),
    "finding_known": _flow("finding = 'many'"),
    "version_given": _flow("method_version = NULL"),
    "no_day_to_come": _flow("day = '2026-07-01'"),
    "coverage_is_heard_of_expected": _flow("hours_heard = 12"),
    "known_was_heard": _flow("coverage = 0.5"),
    "partial_was_half_heard": _flow("coverage = 0.4", "2026-06-28"),
    "unheard_is_no_zero": _flow("passes_in = 0", "2026-06-27"),
    "no_gates_means_none": _flow("finding = 'no_gates'", "2026-06-27"),
    "unknown_input_is_unknown": _flow("unknown_inputs = '{smart_community.devices}'"),
    "every_community_each_day": _flow("community_code = 'C9'"),
}
BREAKS = {
    "event": BREAK_EVENTS,
    "event_hotspot": BREAK_HOTSPOTS,
    "dispute": BREAK_DISPUTES,
    "repair": BREAK_REPAIRS,
    "community_flow": BREAK_FLOWS,
}
