"""A sound candidate of the family economy, and what breaks each of its checks."""

from __future__ import annotations

from tests.integration.gate_cases._canary import CANARY

CORE = """
CREATE TABLE core.dim_enterprise (enterprise_key text);
CREATE TABLE core.dim_lease (lease_no text, state text);
CREATE TABLE core.dim_building (building_code text);
CREATE TABLE core.product_parameters (subject text, item text, value numeric, version text);
CREATE TABLE core.business_environment_components (
    component text, weight numeric, zero_at numeric, full_at numeric, version text);
INSERT INTO core.dim_enterprise VALUES ('E1'), ('E2'), ('E3');
INSERT INTO core.dim_lease VALUES ('L1', 'running'), ('L2', 'running'), ('L3', 'running'), ('L4', 'given_up');
INSERT INTO core.dim_building VALUES ('B1'), ('B2');
INSERT INTO core.product_parameters VALUES
    ('lease_expiry', 'urgent_within', 30, 'v1'), ('lease_expiry', 'soon_within', 90, 'v1'),
    ('lease_expiry', 'early_within', 180, 'v1'), ('enterprise_profile', 'stable_within', 0.1, 'v1'),
    ('building_economy', 'tax_cover_from', 0.8, 'v1'), ('building_economy', 'tax_enterprises_from', 3, 'v1');
INSERT INTO core.business_environment_components VALUES
    ('occupancy', 0.4, 0.5, 1, 'v1'), ('visit_coverage', 0.6, 0, 0.5, 'v1');
"""
CANDIDATES = """
DROP TABLE IF EXISTS candidate.enterprise_profile, candidate.lease_expiry, candidate.building_economy,
    candidate.business_environment;
CREATE TABLE candidate.lease_expiry (
    lease_no text, enterprise_key text, building_code text, building_name text, room text, area_sqm double precision,
    starts_on date, ends_on date, term text, days_left integer, warning_level text, reason text, unknown_inputs text[],
    parameter_version text);
INSERT INTO candidate.lease_expiry VALUES
    ('L1', 'E1', 'B1', 'one', '301', 100, '2024-01-01', '2026-08-01', 'fixed', 32, 'soon', 'soon: ends in 32 days',
     '{}', 'v1'),
    ('L2', 'E2', 'B1', 'one', '302', 100, '2024-01-01', NULL, 'open_ended', NULL, 'open_ended',
     'open_ended: no end was agreed', '{}', 'v1'),
    ('L3', NULL, NULL, 'two', '101', NULL, '2024-01-01', NULL, 'unknown', NULL, 'unknown',
     'unknown: the register states no end', '{}', 'v1');
CREATE TABLE candidate.enterprise_profile (
    enterprise_key text, credit_code text, name text, kind text, industry text, community_code text, registered_on date,
    closed_on date, registers text[], market_state text, tax_state text, status_check text, status_conflict text,
    last_visited_on date, visits_12_months integer, open_demands integer, overdue_demands integer,
    undated_demands integer, tax_months integer, tax_12_months numeric(18,2), tax_12_months_before numeric(18,2),
    tax_trend text, running_leases integer, leases_ending integer, leases_undated integer, next_lease_end date,
    unknown_inputs text[], parameter_version text);
INSERT INTO candidate.enterprise_profile VALUES
    ('E1', '91110000600037341L', '恒信贸易有限公司', 'firm', 'F', 'C1', '2020-01-01', NULL,
     '{market_registration,tax_registry}', 'open', 'normal', 'agree', NULL, '2026-05-01', 2, 1, 1, 0, 24, 120, 100,
     'rising', 1, 1, 0, '2026-08-01', '{}', 'v1'),
    ('E2', '92330106MA2H00006X', NULL, 'self_employed', 'F', NULL, '2020-01-01', NULL,
     '{market_registration,tax_registry}', 'revoked', 'normal', 'conflict',
     'revoked in the market register, normal in the tax register', NULL, 0, 0, 0, 0, 24, NULL, NULL, 'unknown', 1, 0, 0,
     NULL, '{}', 'v1'),
    ('E3', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{tax_registry}', NULL, 'normal', 'one_register', NULL, NULL, 0, 0,
     0, 0, 24, 100, 100, 'stable', 0, 0, 0, NULL, '{}', 'v1');
CREATE TABLE candidate.building_economy (
    building_code text, quarter_from date, name text, area_sqm double precision, floor_labels text,
    let_sqm double precision, occupied_share numeric(6,4), tenants integer, registered integer,
    rent_yuan_sqm_day numeric(18,2), leased_sqm double precision, taxed_enterprises integer, tax_yuan numeric(18,2),
    tax_yuan_sqm numeric(18,2), contradictions text[], unknown_parts text[], state text, unknown_inputs text[],
    parameter_version text);
INSERT INTO candidate.building_economy VALUES
    ('B1', '2026-04-01', 'one', 1000, 'B1-9F', 500, 0.5, 5, 6, 3.2, 400, 3, 20000, 50, '{}', '{}', 'known', '{}', 'v1'),
    ('B2', '2026-04-01', 'two', 1000, 'B1-9F', NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL, '{}',
     '{let_sqm,occupied_share,tenants,rent_yuan_sqm_day,tax_yuan}', 'unknown', '{}', 'v1');
CREATE TABLE candidate.business_environment (
    quarter_from date, quarter_to date, index_value numeric(5,2), state text, reason text, components jsonb,
    unknown_components text[], method_version text);
INSERT INTO candidate.business_environment VALUES
    ('2026-04-01', '2026-06-30', 80, 'known', 'sum of the weighted components',
     '[{"component": "occupancy", "value": 0.75, "unit": "share", "observations": 2, "weight": 0.4, "zero_at": 0.5,
        "full_at": 1, "points": 20, "unknown_because": null},
       {"component": "visit_coverage", "value": 0.6, "unit": "share", "observations": 9, "weight": 0.6, "zero_at": 0,
        "full_at": 0.5, "points": 60, "unknown_because": null}]', '{}', 'v1'),
    ('2026-01-01', '2026-03-31', NULL, 'unknown', 'unknown without occupancy',
     '[{"component": "occupancy", "value": null, "unit": "share", "observations": 0, "weight": 0.4, "zero_at": 0.5,
        "full_at": 1, "points": null, "unknown_because": "too few observations"},
       {"component": "visit_coverage", "value": 0.5, "unit": "share", "observations": 9, "weight": 0.6, "zero_at": 0,
        "full_at": 0.5, "points": 60, "unknown_because": null}]', '{occupancy}', 'v1');
"""
LAWFUL = {
    "enterprise_profile": "select name from landing.market_registration__enterprises",
    "lease_expiry": "select lease_no from landing.lease_register__leases",
    "building_economy": "select building_code from landing.building_economy__quarters",
    "business_environment": "select state from landing.enterprise_demand__demands",
}
"""product → a query that its purpose permits"""


def _lease(change: str, lease: str = "L1") -> str:
    return f"UPDATE candidate.lease_expiry SET {change} WHERE lease_no = '{lease}'"


def _profile(change: str, enterprise: str = "E1") -> str:
    return f"UPDATE candidate.enterprise_profile SET {change} WHERE enterprise_key = '{enterprise}'"


def _building(change: str, building: str = "B1") -> str:
    return f"UPDATE candidate.building_economy SET {change} WHERE building_code = '{building}'"


def _index(change: str, quarter: str = "2026-04-01") -> str:
    return f"UPDATE candidate.business_environment SET {change} WHERE quarter_from = '{quarter}'"


# check → what makes it fail. Other checks may fail along: one slip often breaks two rules.
BREAK_LEASES = {
    "columns": "ALTER TABLE candidate.lease_expiry ADD contact_phone text",
    "lease_given": _lease("lease_no = NULL"),
    "lease_once": _lease("lease_no = 'L2'"),
    "term_known": _lease("term = 'for ever'"),
    "level_known": _lease("warning_level = 'later'"),
    "version_given": _lease("parameter_version = NULL"),
    "reason_given": _lease("reason = 'ends in 32 days'"),
    "level_fits_days": _lease("warning_level = 'none', reason = 'none: ends in 32 days'"),
    "endless_told_apart": _lease("term = 'fixed'", "L2"),
    "undated_is_unknown": _lease("warning_level = 'open_ended'", "L3"),
    "unknown_input_is_unknown": _lease("unknown_inputs = '{lease_register.leases}'"),
    "every_running_lease_once": "DELETE FROM candidate.lease_expiry WHERE lease_no = 'L3'",
    "no_identity_number": _lease(f"room = '301 {CANARY}'"),
}
BREAK_PROFILES = {
    "columns": "ALTER TABLE candidate.enterprise_profile ADD legal_representative text",
    "key_given": _profile("enterprise_key = NULL"),
    "key_once": _profile("enterprise_key = 'E2'"),
    "status_known": _profile("status_check = 'fine'"),
    "trend_known": _profile("tax_trend = 'up'"),
    "version_given": _profile("parameter_version = NULL"),
    "conflict_is_told": _profile("status_conflict = NULL", "E2"),
    "comparison_needs_two": _profile("status_check = 'agree'", "E3"),
    "open_and_closed_never_agree": _profile("status_check = 'agree', status_conflict = NULL", "E2"),
    "unread_register_compares_nothing": _profile("unknown_inputs = '{tax_registry.taxpayers}'"),
    "unread_visits_are_not_zero": _profile("unknown_inputs = '{enterprise_visit.visits}'"),
    "unread_demands_are_not_zero": _profile("unknown_inputs = '{enterprise_demand.demands}'"),
    "unread_leases_are_not_zero": _profile("unknown_inputs = '{lease_register.leases}'"),
    "counts_add_up": _profile("overdue_demands = 2"),
    "tax_needs_two_years": _profile("tax_months = 23"),
    "unknown_tax_has_no_sum": _profile("tax_12_months = 5", "E2"),
    "trend_follows_from_sums": _profile("tax_trend = 'falling'"),
    "every_enterprise_once": "DELETE FROM candidate.enterprise_profile WHERE enterprise_key = 'E3'",
    "owners_are_not_named": _profile("name = '张三小吃店'", "E2"),
    "no_identity_number": _profile(f"credit_code = '{CANARY}'", "E2"),
}
BREAK_BUILDINGS = {
    "columns": "ALTER TABLE candidate.building_economy DROP contradictions",
    "building_given": _building("building_code = NULL"),
    "quarter_given": _building("quarter_from = NULL"),
    "pair_once": _building("building_code = 'B2'"),
    "state_known": _building("state = 'good'"),
    "version_given": _building("parameter_version = NULL"),
    "quarter_begins": _building("quarter_from = '2026-05-01'"),
    "share_is_of_the_areas": _building("occupied_share = 0.9"),
    "no_share_of_a_contradiction": _building("contradictions = '{let_without_tenants}'"),
    "over_let_is_told": _building("let_sqm = 2000"),
    "contradictory_is_told": _building("contradictions = '{room_above_the_top_floor}'"),
    "unknown_parts_are_named": _building("unknown_parts = '{}'", "B2"),
    "unread_figures_are_unknown": _building("unknown_inputs = '{building_economy.quarters}'"),
    "unread_tax_is_unknown": _building("unknown_inputs = '{tax_analysis.collections}'"),
    "tax_of_enough": _building("taxed_enterprises = 2"),
    "tax_by_area": _building("tax_yuan_sqm = 500"),
    "no_rent_of_nothing": _building("rent_yuan_sqm_day = 3", "B2"),
    "every_building_in_every_quarter": "DELETE FROM candidate.building_economy WHERE building_code = 'B2'",
}
BREAK_INDEX = {
    "columns": "ALTER TABLE candidate.business_environment ADD rank integer",
    "quarter_given": _index("quarter_from = NULL"),
    "quarter_once": _index("quarter_from = '2026-01-01'"),
    "state_known": _index("state = 'excellent'"),
    "version_given": _index("method_version = NULL"),
    "reason_given": _index("reason = ''"),
    "index_bounded": _index("index_value = 101"),
    "whole_quarter": _index("quarter_to = '2026-06-15'"),
    "every_component_once": _index("components = components - 0"),
    "weights_are_those_of_the_method": _index("components = jsonb_set(components, '{0,weight}', '0.5')"),
    "fields_known": _index("""components = jsonb_set(components, '{0,phone}', '"1"')"""),
    "points_follow_from_values": _index("components = jsonb_set(components, '{0,points}', '40')"),
    "unknown_value_has_no_points": _index("components = jsonb_set(components, '{0,points}', '40')", "2026-01-01"),
    "unknown_component_no_index": _index("index_value = 100", "2026-01-01"),
    "index_is_sum_of_points": _index("index_value = 81"),
}
BREAKS = {
    "enterprise_profile": BREAK_PROFILES,
    "lease_expiry": BREAK_LEASES,
    "building_economy": BREAK_BUILDINGS,
    "business_environment": BREAK_INDEX,
}
