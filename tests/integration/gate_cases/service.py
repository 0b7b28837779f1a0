"""A sound candidate of the family service, and what breaks each of its checks."""

from __future__ import annotations

from tests.integration.gate_cases._canary import CANARY

CORE = """
CREATE TABLE core.dim_service_point (service_point_key text);
CREATE TABLE core.fct_deliberation (topic_no text);
INSERT INTO core.dim_service_point VALUES ('service_circle:1'), ('party_building:1');
INSERT INTO core.fct_deliberation VALUES ('T1'), ('T2');
"""
CANDIDATES = """
DROP TABLE IF EXISTS candidate.service_point, candidate.deliberation;
CREATE TABLE candidate.service_point (
    service_point_key text, source text, name text, kind text, service text, community_code text, community_name text,
    address text, longitude double precision, latitude double precision, place text, opening_hours text, opening text,
    state text, unknown_inputs text[]);
INSERT INTO candidate.service_point VALUES
    ('service_circle:1', 'service_circle', 'one', 'health', '门诊', 'C1', 'c', '文一路1号', 120.1, 30.3, 'known',
     '8:00-17:00', 'hours', 'open', '{}'),
    ('party_building:1', 'party_building', 'two', 'party_service', NULL, 'C1', 'c', NULL, NULL, NULL, 'unknown', NULL,
     'unknown', 'open', '{}');
CREATE TABLE candidate.deliberation (
    topic_no text, channel text, community_code text, community_name text, title text, state text, opened_on date,
    closed_on date, options integer, votes integer, double_votes integer, valid_votes integer, unsound_options integer,
    leading_option integer, adopted_option integer, outcome text, days_to_decision integer, days_open integer,
    unknown_inputs text[]);
INSERT INTO candidate.deliberation VALUES
    ('T1', 'bell', 'C1', 'c', '加装电梯怎么分摊', 'decided', '2026-05-01', '2026-05-11', 2, 45, 10, 35, 0, 1, 1,
     'decided_with_the_vote', 10, NULL, '{}'),
    ('T2', 'council', 'C1', 'c', '公共绿地怎么改造', 'open', '2026-06-20', NULL, 2, 9, 0, NULL, 1, NULL, NULL, 'open',
     NULL, 10, '{}');
ALTER TABLE candidate.service_point ADD rows_held integer DEFAULT 0, ADD rows_held_unplaced integer DEFAULT 0;
ALTER TABLE candidate.deliberation ADD rows_held integer DEFAULT 0, ADD rows_held_unplaced integer DEFAULT 0;
"""
LAWFUL = {
    "service_point": "select kind from landing.service_circle__places",
    "deliberation": "select votes from landing.deliberation__tallies",
}
"""product → a query that its purpose permits"""


def _point(change: str, point: str = "service_circle:1") -> str:
    return f"UPDATE candidate.service_point SET {change} WHERE service_point_key = '{point}'"


def _topic(change: str, topic: str = "T1") -> str:
    return f"UPDATE candidate.deliberation SET {change} WHERE topic_no = '{topic}'"


# check → what makes it fail. Other checks may fail along: one slip often breaks two rules.
BREAK_POINTS = {
    "columns": "ALTER TABLE candidate.service_point ADD contact text",
    "point_given": _point("service_point_key = NULL"),
    "point_once": _point("service_point_key = 'party_building:1'"),
    "name_given": _point("name = NULL"),
    "source_known": _point("source = 'street'"),
    "kind_known": _point("kind = 'bank'"),
    "state_known": _point("state = 'soon'"),
    "place_is_whole": _point("latitude = NULL"),
    "held_never_open": _point("rows_held = 1"),
    "opening_says_what_is_stated": _point("opening = 'hours'", "party_building:1"),
    "unread_register_says_nothing": _point("unknown_inputs = '{service_circle.places}'"),
    "every_point_once": "DELETE FROM candidate.service_point WHERE service_point_key = 'party_building:1'",
    "no_identity_number": _point(f"service = 'call {CANARY}'"),
}
BREAK_TOPICS = {
    "columns": "ALTER TABLE candidate.deliberation ADD proposer text",
    "topic_given": _topic("topic_no = NULL"),
    "topic_once": _topic("topic_no = 'T2'"),
    "channel_known": _topic("channel = 'letter'"),
    "state_known": _topic("state = 'forgotten'"),
    "outcome_known": _topic("outcome = 'good'"),
    "outcome_follows": _topic("adopted_option = 2"),
    "held_has_no_total": _topic("rows_held = 1"),
    "second_votes_do_not_count": _topic("valid_votes = 45"),
    "uncounted_option_leads_nothing": _topic("leading_option = 1", "T2"),
    "days_fit_the_state": _topic("days_to_decision = -1"),
    "topics_are_deliberated": _topic("topic_no = 'T9'"),
    "no_identity_number": _topic(f"title = 'for {CANARY}'"),
}
BREAKS = {"service_point": BREAK_POINTS, "deliberation": BREAK_TOPICS}
