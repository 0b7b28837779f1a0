-- Events of eleven channels, one row per report as its source keeps it: one incident told by two channels is two rows.
-- No caller, no text. The safety score must not read this table: residents' reports and cameras' alarms serve event
-- handling alone. Positions are of the event: of a camera that does not know where it looks there is none.
with event as (
    select
        'four_platform' as channel, 'events' as stream, record_key, event_no, unit_code, source as reported_through,
        category, reported_at, assigned_at, handled_at, closed_at, feedback_at, null::timestamptz as due_at, updated_at,
        state, grid_code, longitude, latitude
    from {{ ref('stg_four_platform__events') }}
    union all
    select
        'police_110', 'incidents', record_key, incident_no, null, null,
        category, reported_at, null, null, null, null, null, updated_at, state, null, longitude, latitude
    from {{ ref('stg_police_110__incidents') }}
    union all
    select
        'fire_119', 'incidents', record_key, incident_no, null, null,
        disaster_type, reported_at, null, null, null, null, null, updated_at, state, null, longitude, latitude
    from {{ ref('stg_fire_119__incidents') }}
    union all
    select
        'snapshot_report', 'reports', record_key, report_id, null, null,
        category, reported_at, null, null, null, null, null, updated_at, state, null, longitude, latitude
    from {{ ref('stg_snapshot_report__reports') }}
    union all
    -- Places of the hotline are words.
    select
        'hotline_12345', 'orders', record_key, order_no, null, source,
        category, reported_at, assigned_at, null, closed_at, null, due_at, updated_at, state, null, null, null
    from {{ ref('stg_hotline_12345__orders') }}
    union all
    -- City management has a map and a grid of its own, which nobody here can convert.
    select
        'city_management', 'cases', record_key, task_no, null, source,
        sub_class, reported_at, assigned_at, handled_at, closed_at, null, null, updated_at, state, null, null, null
    from {{ ref('stg_city_management__cases') }}
    union all
    select
        'city_eye', 'alarms', record_key, alarm_id, null, null,
        kind, alarmed_at, null, null, closed_at, null, null, updated_at, state, grid_code, longitude, latitude
    from {{ ref('stg_city_eye__alarms') }}
    union all
    -- A patrol that found nothing is no event.
    select
        'safety_patrol', 'patrols', record_key, patrol_no, null, null,
        hazard_kind, patrolled_at, null, null, closed_at, null, null, updated_at, state, grid_code, longitude, latitude
    from {{ ref('stg_safety_patrol__patrols') }}
    where found = 'hazard'
    union all
    select
        'grid_app', 'reports', record_key, report_id, null, null,
        category, reported_at, null, null, null, null, null, updated_at, state, grid_code, longitude, latitude
    from {{ ref('stg_grid_app__reports') }}
    union all
    select
        'high_altitude_video', 'alarms', record_key, alarm_id, null, null,
        algorithm, alarmed_at, null, null, null, null, null, updated_at, verdict, null, longitude, latitude
    from {{ ref('stg_high_altitude_video__alarms') }}
    union all
    select
        'drone_patrol', 'findings', record_key, finding_no, null, null,
        kind, found_at, null, null, null, null, null, null, verdict, null, longitude, latitude
    from {{ ref('stg_drone_patrol__findings') }}
)

select
    event.channel || ':' || event.record_key as event_key,
    event.channel,
    event.stream,
    event.record_key,
    event.event_no,
    event.unit_code,
    event.reported_through,
    event.category,
    event.reported_at,
    event.assigned_at,
    event.handled_at,
    event.closed_at,
    event.feedback_at,
    event.due_at,
    event.updated_at,
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
    and incident.stream = event.stream and incident.record_key = event.record_key
where {{ is_changed('events', 'fct_event', "event.channel || ':' || event.record_key") }}
