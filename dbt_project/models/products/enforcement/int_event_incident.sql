-- One row per incident, all channels that told of it together. The earliest report leads: its moment, the first kind,
-- grid and place that somebody told. An incident is as far as the slowest channel that took it, so it is closed when all
-- of them say so. Closed in time is a claim that needs evidence: what was closed by a button, was open again, went in
-- circles, has a clock that was wrong or a version that waits in quarantine is never counted as solved in time. All that
-- is known stands here, for the models beside it; what of kinds between persons may be shown is for `event` to say.
with channel as (
    select named.channel, named.stream, not coalesce(input.usable, false) as unusable
    from (
        values
        {%- for system, stream in event_channels() %}
        ('{{ system }}', '{{ stream }}'){{ ',' if not loop.last }}
        {%- endfor %}
    ) as named (channel, stream)
    left join {{ ref('dim_input') }} as input on input.system = named.channel and input.stream = named.stream
),

-- Reports of which another version waits in quarantine: it may say that they are open again.
held as (
    select distinct system, stream, record_key
    from {{ held_rows(event_channels()) }} as waiting
    where record_key is not null
),

report as (
    select report.*, channel.unusable, held.record_key is not null as is_held
    from {{ ref('int_event_report') }} as report
    inner join channel on channel.channel = report.channel
    left join held
        on held.system = report.channel and held.stream = report.stream and held.record_key = report.record_key
    where {{ is_changed('events', 'int_event_incident', 'report.incident_key') }}
),

incident as (
    select
        incident_key,
        -- Of a report that was given away to another unit the other unit's row speaks.
        (array_agg(event_key order by step = 'void', reported_at, event_key))[1] as lead_report,
        (array_agg(channel order by step = 'void', reported_at, event_key))[1] as lead_channel,
        min(reported_at) as reported_at,
        coalesce(
            (array_agg(event_type order by reported_at, event_key) filter (where event_type <> 'other'))[1], 'other'
        ) as event_type,
        (array_agg(grid_code order by grid_from desc, reported_at, event_key) filter (where grid_from is not null))[1]
            as grid_code,
        max(grid_from) as grid_from,
        (array_agg(longitude order by reported_at, event_key) filter (where longitude is not null))[1] as longitude,
        (array_agg(latitude order by reported_at, event_key) filter (where longitude is not null))[1] as latitude,
        count(*)::integer as report_count,
        count(distinct channel)::integer as channel_count,
        jsonb_agg(
            jsonb_build_object('system', channel, 'stream', stream, 'record', record_key, 'step', step)
            order by reported_at, event_key
        ) as sources,
        min(step_number) as slowest,
        min(dispatched_at) filter (where step_number is not null) as dispatched_at,
        max(handled_at) filter (where step_number is not null) as handled_at,
        max(feedback_at) filter (where step_number is not null) as feedback_at,
        max(closed_at) filter (where step_number is not null) as last_closed_at,
        max(closed_no_later_than) filter (where step_number is not null) as closed_no_later_than,
        min(stated_due_at) filter (where step_number is not null) as stated_due_at,
        bool_or(step = 'seen') as seen,
        bool_or(step = 'returned') as returned,
        bool_or(step in ('false_alarm', 'rejected')) as dismissed,
        bool_or(unusable) as any_unusable,
        bool_or(unusable and step_number < 5) as open_unusable,
        bool_or(is_held) as any_held,
        bool_or(bulk_closed) as bulk_closed,
        bool_or(reopened) as reopened,
        bool_or(looped) as looped,
        bool_or(wrong_clock) as wrong_clock,
        bool_or(step = 'closed' and closed_at is null and not wrong_clock) as no_closing_time,
        bool_or(step = 'closed' and closed_at is null) as closed_sometime,
        array_agg(distinct channel || '.' || stream) filter (where unusable) as unusable_channels
    from report
    group by incident_key
),

judged as (
    select
        incident.*,
        about.between_persons,
        case
            when coalesce(incident.open_unusable, false) then 'unknown'
            when incident.slowest is not null
                then (array['received', 'accepted', 'dispatched', 'handled', 'closed'])[incident.slowest]
            when incident.seen then 'unknown'
            when incident.returned then 'returned'
            when incident.dismissed then 'dismissed'
            else 'unknown'
        end as state,
        coalesce(
            incident.stated_due_at,
            incident.reported_at + coalesce(own.hours, common.hours) * interval '1 hour'
        ) as due_at,
        case
            when incident.stated_due_at is not null then 'source'
            when coalesce(own.hours, common.hours) is not null then 'rule'
        end as due_from,
        case when incident.stated_due_at is null then coalesce(own.version, common.version) end as limit_version,
        incident.bulk_closed or incident.reopened or incident.looped or incident.wrong_clock or incident.any_held
            as doubtful
    from incident
    inner join {{ ref('event_types') }} as about on about.event_type = incident.event_type
    left join {{ ref('time_limits') }} as own
        on own.subject = 'event' and own.kind = incident.event_type and own.channel = incident.lead_channel
        and {{ in_force('own') }}
    left join {{ ref('time_limits') }} as common
        on common.subject = 'event' and common.kind = incident.event_type and common.channel = 'any'
        and {{ in_force('common') }}
)

select
    judged.incident_key,
    judged.lead_report,
    judged.lead_channel,
    judged.event_type,
    judged.between_persons,
    grid.grid_code,
    grid.community_code,
    judged.grid_from,
    judged.longitude,
    judged.latitude,
    judged.sources,
    judged.report_count,
    judged.channel_count,
    judged.reported_at,
    {{ local_date('judged.reported_at') }} as reported_on,
    judged.dispatched_at,
    judged.handled_at,
    -- The last time that is told is none of the incident while another channel closed it nobody knows when.
    case when judged.state = 'closed' and not judged.closed_sometime then judged.last_closed_at end as closed_at,
    case when judged.state = 'closed' and not judged.wrong_clock then judged.closed_no_later_than end
        as closed_no_later_than,
    judged.feedback_at,
    judged.state,
    judged.due_at,
    judged.due_from,
    judged.limit_version,
    case
        when judged.state in ('received', 'accepted', 'dispatched', 'handled')
            then {{ local_date('judged.due_at') }} < {{ as_of() }}
        when judged.state <> 'unknown' then false
    end as overdue,
    judged.reopened,
    case
        when judged.state <> 'closed' then null
        when judged.last_closed_at > judged.due_at then false
        when judged.doubtful then null
        when judged.closed_no_later_than <= judged.due_at then true
    end as closed_in_time,
    array_remove(array[
        case when judged.bulk_closed then 'bulk_closed' end,
        case when judged.wrong_clock then 'clock' end,
        case when judged.any_held then 'held' end,
        case when coalesce(judged.any_unusable, false) then 'input' end,
        case when judged.looped then 'loop' end,
        case when judged.no_closing_time then 'no_closing_time' end,
        case when judged.slowest is null and judged.seen then 'only_seen' end,
        case when judged.slowest is null and not judged.seen and not judged.returned and not judged.dismissed
            then 'only_void' end,
        case when judged.reopened then 'reopened' end
    ], null) as doubts,
    coalesce(judged.unusable_channels, '{}'::text[])
        || {{ unusable_inputs([['grid_map', 'grids']]) }} as unknown_inputs
from judged
left join {{ ref('dim_grid') }} as grid on grid.grid_code = judged.grid_code
