"""What must hold of the deliberations before anyone sees them."""

from __future__ import annotations

from quality.checks import IDENTITY_NUMBER, ROWS, Check, columns, holds, in_set, no_rows, not_null, unique

COLUMNS = (
    "topic_no", "channel", "community_code", "community_name", "title", "state", "opened_on", "closed_on",
    "options", "votes", "double_votes", "valid_votes", "unsound_options", "leading_option", "adopted_option",
    "outcome", "days_to_decision", "days_open", "unknown_inputs", "rows_held", "rows_held_unplaced",
)  # fmt: skip
OUTCOMES = (
    "open", "dropped", "decided_with_the_vote", "decided_against_the_vote", "decided_uncounted", "decided_unstated",
    "unknown",
)  # fmt: skip

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("topic_given", "topic_no"),
    unique("topic_once", ["topic_no"]),
    in_set("channel_known", "channel", ("bell", "council")),
    in_set("state_known", "state", ("open", "decided", "dropped")),
    in_set("outcome_known", "outcome", OUTCOMES),
    holds(
        "outcome_follows",
        "outcome = CASE WHEN cardinality(unknown_inputs) > 0 THEN 'unknown'"
        " WHEN rows_held > 0 AND NOT coalesce(state = 'decided' AND adopted_option <> leading_option, false)"
        " THEN 'unknown' WHEN state <> 'decided' THEN state"
        " WHEN adopted_option IS NULL THEN 'decided_unstated' WHEN leading_option IS NULL THEN 'decided_uncounted'"
        " WHEN adopted_option = leading_option THEN 'decided_with_the_vote' ELSE 'decided_against_the_vote' END",
        "An outcome follows from the decision and the vote, and is unknown where either cannot be read.",
    ),
    holds(
        "held_has_no_total",
        "coalesce(rows_held_unplaced >= 0 AND (rows_held = 0 OR valid_votes IS NULL), false)",
        "Of a topic of which rows wait in quarantine no total is told.",
    ),
    holds(
        "second_votes_do_not_count",
        "coalesce(valid_votes + double_votes = votes, true)",
        "Votes that count and second votes are all votes that were cast.",
    ),
    holds(
        "uncounted_option_leads_nothing",
        "unsound_options = 0 OR (valid_votes IS NULL AND leading_option IS NULL)",
        "A topic with an option that cannot be counted has no total and no leading option.",
    ),
    holds(
        "days_fit_the_state",
        "coalesce(days_to_decision, 0) >= 0 AND coalesce(days_open, 0) >= 0"
        " AND (days_to_decision IS NULL OR (state = 'decided' AND days_to_decision = closed_on - opened_on))"
        " AND (days_open IS NULL) = (state <> 'open')",
        "Days to a decision are of decided topics, days open of open ones.",
    ),
    no_rows(
        "topics_are_deliberated",
        f"SELECT count(*) AS strays FROM {ROWS} product LEFT JOIN core.fct_deliberation d"
        " ON d.topic_no = product.topic_no WHERE d.topic_no IS NULL HAVING count(*) > 0",
        "Every topic is one of the platform's.",
    ),
    holds(
        "no_identity_number",
        "title !~ " + IDENTITY_NUMBER + " AND title !~ '1[3-9][0-9]{9}'",
        "No number of a person and no telephone is shown.",
    ),
)
