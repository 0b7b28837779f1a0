"""A sound candidate of the family overview, and what breaks each of its checks."""

from __future__ import annotations

# core.product_parameters is made by the module economy.
CORE = """
CREATE TABLE core.case_study_figures (figure_code text, version text);
INSERT INTO core.case_study_figures VALUES ('cadence_kept', 'v1'), ('payments', 'v1'), ('party_organisations', 'v1'),
    ('payments', 'v0');
INSERT INTO core.product_parameters VALUES
    ('town_indicator', 'stale_after', 7, 'v1'), ('topic', 'minimum_items', 3, 'v1'), ('topic', 'window_days', 90, 'v1');
"""
CANDIDATES = """
DROP TABLE IF EXISTS candidate.town_indicator, candidate.topic, candidate.case_study;
CREATE TABLE candidate.town_indicator (
    indicator_code text, provider text, name text, definition text, definition_no integer, definitions integer,
    providers integer, comparability text, unit text, value numeric(20,4), stated_on date, age_days integer, state text,
    unknown_inputs text[], parameter_version text);
INSERT INTO candidate.town_indicator VALUES
    ('A', 'p', 'a', 'one', 1, 2, 2, 'differing_definitions', '人', 10, '2026-06-30', 0, 'current', '{}', 'v1'),
    ('A', 'q', 'a', 'two', 2, 2, 2, 'differing_definitions', '人', 20, '2026-06-20', 10, 'stale', '{}', 'v1'),
    ('B', 'p', 'b', NULL, NULL, 0, 1, 'single', NULL, 1, '2026-06-30', 0, 'current', '{}', 'v1');
CREATE TABLE candidate.topic (
    topic text, published_on date, items integer, platforms integer, heat bigint, negative integer, neutral integer,
    positive integer, mood_unknown integer, mood text, unknown_inputs text[], parameter_version text);
INSERT INTO candidate.topic VALUES
    ('停车', '2026-06-30', 5, 2, 90, 2, 1, 1, 1, 'known', '{}', 'v1'),
    ('电梯', '2026-06-30', 2, 1, NULL, NULL, NULL, NULL, NULL, 'too_few', '{}', 'v1');
CREATE TABLE candidate.case_study (
    figure_code text, module text, label text, unit text, stated_low numeric(18,4), stated_high numeric(18,4),
    scale_free boolean, note text, hub_value numeric(20,4), ratio numeric(12,4), state text, reason text,
    unknown_inputs text[], figure_version text);
INSERT INTO candidate.case_study VALUES
    ('cadence_kept', 'safety', '巡查频次兑现率', 'share', 0.19, 0.24, true, NULL, 0.215, 1, 'counted', 'counted', '{}',
     'v1'),
    ('payments', 'welfare', '发放笔数', 'payments', 29560, 29560, false, NULL, NULL, NULL, 'unknown',
     'unknown without welfare_payment.payments', '{welfare_payment.payments}', 'v1'),
    ('party_organisations', 'party', '社区党组织', 'organisations', 43, 43, true, NULL, NULL, NULL, 'not_permitted',
     'left out', '{}', 'v1');
"""
LAWFUL = {
    "town_indicator": "select value from landing.city_brain__indicators",
    "topic": "select topic from landing.public_opinion__items",
    "case_study": "select community_code from landing.grid_map__communities",
}
"""product → a query that its purpose permits"""


def _indicator(change: str, provider: str = "p", indicator: str = "A") -> str:
    return (
        f"UPDATE candidate.town_indicator SET {change} WHERE provider = '{provider}' AND indicator_code = '{indicator}'"
    )


def _topic(change: str, topic: str = "停车") -> str:
    return f"UPDATE candidate.topic SET {change} WHERE topic = '{topic}'"


def _figure(change: str, figure: str = "cadence_kept") -> str:
    return f"UPDATE candidate.case_study SET {change} WHERE figure_code = '{figure}'"


# check → what makes it fail. Other checks may fail along: one slip often breaks two rules.
BREAK_INDICATORS = {
    "columns": "ALTER TABLE candidate.town_indicator DROP definition_no",
    "indicator_given": _indicator("indicator_code = NULL"),
    "provider_given": _indicator("provider = NULL"),
    "pair_once": _indicator("provider = 'q'"),
    "comparability_known": _indicator("comparability = 'roughly'"),
    "state_known": _indicator("state = 'fine'"),
    "version_given": _indicator("parameter_version = NULL"),
    "state_follows_from_age": _indicator("state = 'current'", "q"),
    "unknown_has_no_value": _indicator("value = NULL"),
    "definition_has_its_number": _indicator("definition_no = NULL"),
    "several_definitions_do_not_compare": _indicator("comparability = 'comparable'"),
    "equal_numbers_are_equal_definitions": _indicator("definition_no = 2"),
    "definitions_are_counted": _indicator("definitions = 1", "p", "B"),
}
BREAK_TOPICS = {
    "columns": "ALTER TABLE candidate.topic ADD author text",
    "topic_given": _topic("topic = NULL"),
    "day_given": _topic("published_on = NULL"),
    "pair_once": _topic("topic = '电梯'"),
    "mood_known": _topic("mood = 'angry'"),
    "version_given": _topic("parameter_version = NULL"),
    "items_counted": _topic("items = 0"),
    "moods_add_up": _topic("negative = 5"),
    "no_count_is_negative": _topic("neutral = -1, negative = 4"),
    "few_have_no_mood": _topic("negative = 2, neutral = 0, positive = 0, mood_unknown = 0", "电梯"),
    "mood_follows": _topic("mood = 'known'", "电梯"),
    "unread_is_not_quiet": _topic("unknown_inputs = '{public_opinion.items}'"),
    "recent": _topic("published_on = '2026-04-01'"),
    "no_identity_number": _topic("topic = '停车13912345679'"),
}
BREAK_FIGURES = {
    "columns": "ALTER TABLE candidate.case_study ADD resident_key text",
    "figure_given": _figure("figure_code = NULL"),
    "figure_once": _figure("figure_code = 'payments'"),
    "state_known": _figure("state = 'met'"),
    "label_given": _figure("label = NULL"),
    "version_given": _figure("figure_version = NULL"),
    "reason_given": _figure("reason = ' '"),
    "only_counted_has_value": _figure("hub_value = 100", "payments"),
    "unread_input_is_unknown": _figure("unknown_inputs = '{safety_inspection.premises}'"),
    "ratio_follows": _figure("ratio = 2"),
    "span_in_order": _figure("stated_low = 0.3"),
    "shares_are_shares": _figure("hub_value = -0.2, ratio = NULL"),
    "left_out_stays_left_out": _figure("state = 'counted', hub_value = 5", "party_organisations"),
    "figures_are_those_of_the_seed": "DELETE FROM candidate.case_study WHERE figure_code = 'party_organisations'",
}
BREAKS = {"town_indicator": BREAK_INDICATORS, "topic": BREAK_TOPICS, "case_study": BREAK_FIGURES}
