"""What must hold of the incidents before anyone sees them."""

from __future__ import annotations

from quality.checks import ROWS, Check, columns, holds, in_set, no_rows, not_null, unique

COLUMNS = (
    "incident_key", "lead_report", "lead_channel", "event_type", "grid_code", "community_code", "grid_from",
    "longitude", "latitude", "sources", "report_count", "channel_count", "reported_at", "reported_on",
    "dispatched_at", "handled_at", "closed_at", "closed_no_later_than", "feedback_at", "state", "due_at", "due_from",
    "limit_version", "overdue", "reopened", "closed_in_time", "doubts", "unknown_inputs",
)  # fmt: skip
CHANNELS = (
    "four_platform", "police_110", "fire_119", "snapshot_report", "hotline_12345", "city_management", "city_eye",
    "safety_patrol", "grid_app", "high_altitude_video", "drone_patrol",
)  # fmt: skip
OPEN = ("received", "accepted", "dispatched", "handled")
STATES = (*OPEN, "closed", "dismissed", "returned", "unknown")
DOUBTS = ("bulk_closed", "clock", "held", "input", "loop", "no_closing_time", "only_seen", "only_void", "reopened")
_NO_EVIDENCE = "ARRAY['bulk_closed', 'reopened', 'loop', 'clock', 'held']"
_DAY = "(SELECT as_of FROM control.candidate WHERE family = 'enforcement' ORDER BY candidate_id DESC LIMIT 1)"

_NAMES = "ARRAY['system', 'stream', 'record', 'step']"
_TOLD = "ARRAY[count(*), sum(hashtextextended(name, 0)), sum(hashtextextended(name, 1))] AS told"
# Most incidents have one source, and there are many incidents: conditions about sources unnest nothing for those, nor,
# where it costs much, for the next most, which have two.

# Between persons no clock is shown, and nothing can be held against one; no_clock_between_persons says of whom.
_CLOCKLESS = "reported_at IS NULL"

_BETWEEN_PERSONS = "event_type IN (SELECT t.event_type FROM core.event_types t WHERE t.between_persons)"


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("incident_given", "incident_key"),
    unique("incident_once", ["incident_key"]),
    not_null("reopened_given", "reopened"),
    in_set("state_known", "state", STATES),
    in_set("lead_channel_known", "lead_channel", CHANNELS),
    in_set("grid_from_known", "grid_from", ("stated", "map")),
    in_set("due_from_known", "due_from", ("source", "rule")),
    holds(
        "doubts_known", f"doubts <@ ARRAY[{_quoted(DOUBTS)}]", "Doubts are of the list that the description explains."
    ),
    holds(
        "sources_are_record_names",
        f"CASE jsonb_array_length(sources) WHEN 1 THEN (sources -> 0) - {_NAMES} = '{{}}'"
        f" ELSE NOT EXISTS (SELECT FROM jsonb_array_elements(sources) s WHERE s - {_NAMES} <> '{{}}') END",
        "A source is the name of its record and how far it has come, and no other field.",
    ),
    holds(
        "counts_are_of_the_sources",
        "report_count = jsonb_array_length(sources) AND channel_count = CASE jsonb_array_length(sources)"
        " WHEN 1 THEN num_nonnulls(sources -> 0 ->> 'system') WHEN 2 THEN"
        " num_nonnulls(nullif(sources -> 0 ->> 'system', sources -> 1 ->> 'system'), sources -> 1 ->> 'system')"
        " ELSE (SELECT count(DISTINCT s ->> 'system') FROM jsonb_array_elements(sources) s) END",
        "Reports and channels are those that stand in the row.",
    ),
    holds(
        "lead_is_a_source",
        "CASE jsonb_array_length(sources) WHEN 1 THEN sources -> 0 ->> 'system' = lead_channel"
        " AND lead_channel || ':' || (sources -> 0 ->> 'record') = lead_report"
        " ELSE EXISTS (SELECT FROM jsonb_array_elements(sources) s"
        " WHERE (s ->> 'system') || ':' || (s ->> 'record') = lead_report AND s ->> 'system' = lead_channel) END",
        "The leading report is one of the incident's own.",
    ),
    holds(
        "steps_follow_the_report",
        "coalesce(least(dispatched_at, handled_at, closed_at, closed_no_later_than, feedback_at, due_at)"
        " >= reported_at, true)",
        "Nothing is done before the first report.",
    ),
    holds(
        "day_is_of_the_report",
        f"{_CLOCKLESS} OR reported_on = (reported_at AT TIME ZONE 'Asia/Shanghai')::date",
        "Town time.",
    ),
    holds("nothing_of_tomorrow", f"reported_on <= {_DAY}", "No incident of a later day than the candidate's."),
    holds(
        "due_says_from_what",
        f"{_CLOCKLESS} OR (due_at IS NULL) = (due_from IS NULL)",
        "A last moment says who set it.",
    ),
    holds(
        "rule_has_version",
        "(due_from IS NOT DISTINCT FROM 'rule') = (limit_version IS NOT NULL)",
        "A limit of ours names its version.",
    ),
    holds(
        "closed_time_only_when_closed",
        "state = 'closed' OR (closed_at IS NULL AND closed_no_later_than IS NULL AND closed_in_time IS NULL)",
        "What is open has no time of closing.",
    ),
    holds(
        "doubtful_never_in_time",
        f"NOT (coalesce(closed_in_time, false) AND doubts && {_NO_EVIDENCE})",
        "Closed by a button, opened again, in circles, by a wrong clock or with a version that waits is never in time.",
    ),
    holds(
        "in_time_is_within_the_limit",
        f"{_CLOCKLESS} OR NOT coalesce(closed_in_time, false) OR coalesce(closed_no_later_than <= due_at, false)",
        "In time is by the last moment at the latest.",
    ),
    holds(
        "late_is_beyond_the_limit",
        f"{_CLOCKLESS} OR coalesce(closed_in_time, true) OR coalesce(closed_at > due_at, false)"
        # Of several channels one may tell a late time and another none: then the incident has no time of closing.
        " OR (closed_at IS NULL AND channel_count > 1 AND doubts && ARRAY['no_closing_time', 'clock'])",
        "Late is later than the last moment, by a time that a source gives.",
    ),
    holds(
        "closing_time_is_of_all",
        "closed_at IS NULL OR NOT doubts && ARRAY['no_closing_time']",
        "An incident that a channel closed without a time has no time of closing.",
    ),
    holds(
        "overdue_is_open",
        f"NOT coalesce(overdue, false) OR (state IN ({_quoted(OPEN)})"
        f" AND ({_CLOCKLESS} OR (due_at AT TIME ZONE 'Asia/Shanghai')::date < {_DAY}))",
        "Overdue is open beyond its last day.",
    ),
    holds(
        "open_beyond_its_day_is_overdue",
        f"state NOT IN ({_quoted(OPEN)}) OR due_at IS NULL OR overdue"
        f" OR (due_at AT TIME ZONE 'Asia/Shanghai')::date >= {_DAY}",
        "What is open beyond its last day is overdue.",
    ),
    holds(
        "unknown_is_never_good",
        "state <> 'unknown' OR (overdue IS NULL AND closed_in_time IS NULL AND cardinality(doubts) > 0)",
        "An unknown incident is neither overdue nor not, and says why it is unknown.",
    ),
    holds(
        "dead_channel_is_doubtful",
        "('input' = ANY (doubts)) = NOT unknown_inputs <@ ARRAY['grid_map.grids']",
        "A channel that could not be used is a doubt.",
    ),
    holds("place_whole", "(longitude IS NULL) = (latitude IS NULL)", "A place has both coordinates or none."),
    holds(
        "no_place_between_persons",
        f"NOT {_BETWEEN_PERSONS} OR num_nonnulls(grid_code, longitude, latitude) = 0",
        "Kinds between persons have no place but the community.",
    ),
    holds(
        "no_clock_between_persons",
        f"CASE WHEN {_BETWEEN_PERSONS} THEN num_nonnulls(reported_at, dispatched_at, handled_at, closed_at,"
        " closed_no_later_than, feedback_at, due_at) = 0 ELSE reported_at IS NOT NULL END",
        "Kinds between persons have no time but the day, and all others say when they were reported.",
    ),
    holds(
        "type_known",
        "event_type IN (SELECT t.event_type FROM core.event_types t)",
        "An incident is about something that core.event_types names.",
    ),
    holds(
        "grid_on_map",
        # A missing community is one of its own.
        "grid_code IS NULL OR (grid_code, community_code IS NULL, coalesce(community_code, '')) IN"
        " (SELECT g.grid_code, g.community_code IS NULL, coalesce(g.community_code, '') FROM core.dim_grid g)",
        "A grid that is shown is on the map, with its community.",
    ),
    no_rows(
        "every_report_once",
        # Two sums of hashes tell two sets of half a million names apart without sorting or joining them; a name stands
        # once in fct_event, which PostgreSQL sees to. What stands alone is the leading report (lead_is_a_source).
        f"SELECT FROM (SELECT {_TOLD} FROM (SELECT event_key AS name FROM core.fct_event"
        f" WHERE (reported_at AT TIME ZONE 'Asia/Shanghai')::date <= {_DAY}) report) reports CROSS JOIN"
        f" (SELECT {_TOLD} FROM (SELECT lead_report AS name FROM {ROWS} single"
        " WHERE jsonb_array_length(single.sources) = 1 UNION ALL"
        f" SELECT (s ->> 'system') || ':' || (s ->> 'record') FROM {ROWS} many, jsonb_array_elements(many.sources) s"
        " WHERE jsonb_array_length(many.sources) <> 1) source) sources"
        " WHERE reports.told IS DISTINCT FROM sources.told",
        "Every report up to the day stands in exactly one incident, and no other.",
    ),
    holds(
        "no_identity_number",
        # JSON and the blank give every number two neighbours: a pattern that knows no edges is found sooner.
        "(sources::text || lead_report || ' ') !~ '[^0-9][1-9][0-9]{5}(19|20)[0-9]{9}[0-9Xx][^0-9A-Za-z]'",
        "No identity number is shown.",
    ),
)
