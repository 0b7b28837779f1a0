"""What must hold of the topics before anyone sees them."""

from __future__ import annotations

from quality.checks import Check, columns, holds, in_set, not_null, unique

COLUMNS = (
    "topic", "published_on", "items", "platforms", "heat", "negative", "neutral", "positive", "mood_unknown",
    "mood", "unknown_inputs", "parameter_version",
)  # fmt: skip


def _limit(item: str) -> str:
    return (
        f"(SELECT min(p.value) FROM core.product_parameters p WHERE p.subject = 'topic' AND p.item = '{item}'"
        " AND p.version = parameter_version)"
    )


_MOODS = "negative + neutral + positive + mood_unknown"

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("topic_given", "topic"),
    not_null("day_given", "published_on"),
    unique("pair_once", ["topic", "published_on"]),
    in_set("mood_known", "mood", ("known", "mostly_unknown", "too_few", "unknown")),
    not_null("version_given", "parameter_version"),
    holds("items_counted", "items > 0 OR mood = 'unknown'", "A topic of a day has items."),
    holds("moods_add_up", f"coalesce({_MOODS} = items, true)", "The moods are those of all items."),
    holds(
        "no_count_is_negative",
        "coalesce(least(negative, neutral, positive, mood_unknown) >= 0, true)",
        "No count is below zero.",
    ),
    holds(
        "few_have_no_mood",
        f"coalesce(items >= {_limit('minimum_items')}, false) OR coalesce(negative, neutral, positive) IS NULL",
        "The mood of few items is not shown.",
    ),
    holds(
        "mood_follows",
        "mood = CASE WHEN cardinality(unknown_inputs) > 0 THEN 'unknown'"
        f" WHEN items < {_limit('minimum_items')} THEN 'too_few' WHEN mood_unknown * 2 > items THEN 'mostly_unknown'"
        " ELSE 'known' END",
        "Whether the mood is known follows from the counts.",
    ),
    holds(
        "unread_is_not_quiet",
        "cardinality(unknown_inputs) = 0 OR coalesce(items, platforms, heat, negative) IS NULL",
        "Items that cannot be read are not counted as none.",
    ),
    holds(
        "recent",
        "published_on > (SELECT c.as_of FROM control.candidate c WHERE c.family = 'overview' ORDER BY c.candidate_id"
        f" DESC LIMIT 1) - {_limit('window_days')}::integer",
        "Only the days of the window stand.",
    ),
    holds("no_identity_number", "topic !~ '[0-9]{11}'", "No number of a person and no telephone is shown."),
)
