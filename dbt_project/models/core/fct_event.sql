-- Events of four channels, one row per report as its source keeps it: one incident told by two channels is two rows.
-- No caller, no text. The safety score must not read this table: residents' photo reports serve event handling alone.
with event as (
    select
        'four_platform' as channel, record_key, event_no, unit_code, source as reported_through, category,
        reported_at, assigned_at, handled_at, closed_at, feedback_at, state, grid_code, longitude, latitude
    from {{ ref('stg_four_platform__events') }}
    union all
    select
        'police_110', record_key, incident_no, null, null, category,
        reported_at, null, null, null, null, state, null, longitude, latitude
    from {{ ref('stg_police_110__incidents') }}
    union all
    select
        'fire_119', record_key, incident_no, null, null, disaster_type,
        reported_at, null, null, null, null, state, null, longitude, latitude
    from {{ ref('stg_fire_119__incidents') }}
    union all
    select
        'snapshot_report', record_key, report_id, null, null, category,
        reported_at, null, null, null, null, state, null, longitude, latitude
    from {{ ref('stg_snapshot_report__reports') }}
)

select
    event.channel || ':' || event.record_key as event_key,
    event.channel,
    event.event_no,
    event.unit_code,
    event.reported_through,
    event.category,
    event.reported_at,
    event.assigned_at,
    event.handled_at,
    event.closed_at,
    event.feedback_at,
    event.state,
    grid.grid_code,
    grid.community_code,
    event.longitude,
    event.latitude,
    incident.entity_key as incident_key
from event
left join {{ ref('dim_grid') }} as grid on grid.grid_code = event.grid_code
left join {{ source('resolution', 'membership') }} as incident
    on incident.kind = 'event' and incident.to_run is null and incident.system = event.channel
    and incident.record_key = event.record_key
