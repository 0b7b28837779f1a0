-- One row per incident as it may be shown. Between persons a place or an hour tells neighbours who it was, and a count
-- held back among the hotspots would stand here row by row: of these kinds the community and the day are shown, and what
-- was found by the clock (overdue, closed in time), but no grid, no point and no clock.
select
    incident_key,
    lead_report,
    lead_channel,
    event_type,
    case when not between_persons then grid_code end as grid_code,
    community_code,
    grid_from,
    case when not between_persons then longitude end as longitude,
    case when not between_persons then latitude end as latitude,
    sources,
    report_count,
    channel_count,
    case when not between_persons then reported_at end as reported_at,
    reported_on,
    case when not between_persons then dispatched_at end as dispatched_at,
    case when not between_persons then handled_at end as handled_at,
    case when not between_persons then closed_at end as closed_at,
    case when not between_persons then closed_no_later_than end as closed_no_later_than,
    case when not between_persons then feedback_at end as feedback_at,
    state,
    case when not between_persons then due_at end as due_at,
    due_from,
    limit_version,
    overdue,
    reopened,
    closed_in_time,
    doubts,
    unknown_inputs
from {{ ref('int_event_incident') }}
where {{ is_changed('events', 'event', 'incident_key') }}
