"""A sound candidate of the family party, and what breaks each of its checks."""

from __future__ import annotations

from tests.integration.gate_cases._canary import CANARY

# core.product_parameters is made by the module economy.
CORE = """
CREATE TABLE core.dim_party_organisation (organisation_code text);
INSERT INTO core.dim_party_organisation VALUES ('P1'), ('P2');
INSERT INTO core.product_parameters VALUES ('party_organisation', 'minimum_count', 5, 'v1');
"""
CANDIDATES = """
DROP TABLE IF EXISTS candidate.party_organisation;
CREATE TABLE candidate.party_organisation (
    organisation_code text, name text, community_code text, community_name text, founded_on date, stated_month text,
    branches integer, members integer, women integer, under_35 integer, over_60 integer, service_points integer,
    activities_12_months integer, participants_12_months integer, suppressed text[], unknown_parts text[], state text,
    unknown_inputs text[], parameter_version text);
INSERT INTO candidate.party_organisation VALUES
    ('P1', 'one', 'C1', 'c', '1999-07-01', '2026-05', 3, 100, 40, 20, 30, 2, 12, 300, '{}', '{}', 'stated', '{}', 'v1'),
    ('P2', 'two', 'C2', NULL, NULL, '2026-05', 1, 20, NULL, NULL, NULL, 0, 0, 0, '{women,under_35,over_60}', '{}',
     'stated', '{}', 'v1');
ALTER TABLE candidate.party_organisation ADD rows_held integer DEFAULT 0, ADD rows_held_unplaced integer DEFAULT 0;
"""
LAWFUL = {"party_organisation": "select members from landing.party_building__organisations"}
"""product → a query that its purpose permits"""


def _one(change: str, organisation: str = "P1") -> str:
    return f"UPDATE candidate.party_organisation SET {change} WHERE organisation_code = '{organisation}'"


# check → what makes it fail. Other checks may fail along: one slip often breaks two rules.
BREAKS = {
    "party_organisation": {
        "columns": "ALTER TABLE candidate.party_organisation ADD secretary text",
        "organisation_given": _one("organisation_code = NULL"),
        "organisation_once": _one("organisation_code = 'P2'"),
        "state_known": _one("state = 'good'"),
        "version_given": _one("parameter_version = NULL"),
        "held_counted": _one("rows_held = NULL"),
        "month_written": _one("stated_month = '2026年5月'"),
        "no_count_is_negative": _one("service_points = -1"),
        "few_people_are_not_shown": _one("participants_12_months = 4"),
        "few_people_are_not_left_over": _one("women = 96"),
        "suppressed_is_gone": _one("women = 10", "P2"),
        "ages_are_shown_together": _one("over_60 = NULL"),
        "unread_statements_are_unknown": _one("unknown_inputs = '{party_building.organisations}'"),
        "unread_parts_are_unknown": _one("unknown_inputs = '{party_building.service_points}'"),
        "every_organisation_once": "DELETE FROM candidate.party_organisation WHERE organisation_code = 'P2'",
        "no_identity_number": _one(f"name = 'one {CANARY}'"),
    }
}
