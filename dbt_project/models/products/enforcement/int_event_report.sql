-- One row per report up to the day, with what its incident is judged by: what it is about, how far it has come, when it
-- was closed at the latest, and what makes that doubtful.
with report as (
    select
        event_key,
        -- A report that resolution has not seen yet stands alone.
        coalesce(incident_key, event_key) as incident_key,
        channel,
        stream,
        record_key,
        coalesce(unit_code, '') as unit_code,
        category,
        reported_at,
        assigned_at,
        handled_at,
        closed_at,
        feedback_at,
        due_at,
        updated_at,
        grid_code,
        longitude,
        latitude,
        {{ event_step('state') }} as step
    from {{ ref('fct_event') }}
    where {{ local_date('reported_at') }} <= {{ as_of() }}
        and {{ is_changed('events', 'int_event_report', 'event_key') }}
),

-- A code, a code with a word behind it, or a word with a code before it: read as resolution reads them.
category as (
    select said.category, coalesce(whole.event_type, code.event_type, word.event_type) as event_type
    from (select distinct category from report where category is not null) as said
    left join {{ ref('event_categories') }} as whole on whole.category = said.category and {{ in_force('whole') }}
    left join {{ ref('event_categories') }} as code
        on code.category = substring(said.category from '^[0-9]+') and {{ in_force('code') }}
    left join {{ ref('event_categories') }} as word
        on word.category = substring(said.category from '[\u4e00-\u9fff]+$') and {{ in_force('word') }}
)

select
    report.event_key,
    report.incident_key,
    report.channel,
    report.stream,
    report.record_key,
    coalesce(category.event_type, 'other') as event_type,
    report.reported_at,
    -- A step before the report is a clock that was wrong, and no time.
    case when report.assigned_at >= report.reported_at then report.assigned_at end as dispatched_at,
    case when report.handled_at >= report.reported_at then report.handled_at end as handled_at,
    case when report.feedback_at >= report.reported_at then report.feedback_at end as feedback_at,
    case when report.due_at >= report.reported_at then report.due_at end as stated_due_at,
    report.step,
    {{ event_step_number('report.step') }} as step_number,
    case when report.step = 'closed' and report.closed_at >= report.reported_at then report.closed_at end as closed_at,
    case
        when report.step = 'closed' and report.closed_at is null and report.updated_at >= report.reported_at
            then report.updated_at
        when report.step = 'closed' and report.closed_at >= report.reported_at then report.closed_at
    end as closed_no_later_than,
    coalesce(report.step = 'closed' and coalesce(report.closed_at, report.updated_at) < report.reported_at, false)
        as wrong_clock,
    bulk.closing is not null as bulk_closed,
    -- Seen to be open again, or open with the time of a closing.
    coalesce(history.reopened > 0, false)
        or coalesce({{ event_step_number('report.step') }} < 5 and report.closed_at is not null, false) as reopened,
    coalesce(history.gone_back >= {{ parameter('event_parameters', 'event', 'loop_from') }}, false) as looped,
    coalesce(report.grid_code, on_map.grid_code) as grid_code,
    case when report.grid_code is not null then 'stated' when on_map.grid_code is not null then 'map' end as grid_from,
    case when report.latitude is not null then report.longitude end as longitude,
    case when report.longitude is not null then report.latitude end as latitude
from report
left join category on category.category = report.category
left join {{ ref('int_event_bulk') }} as bulk
    on report.step = 'closed' and bulk.channel = report.channel and bulk.unit_code = report.unit_code
    and bulk.closing = coalesce(report.closed_at, report.updated_at)
left join {{ ref('int_event_history') }} as history
    on history.channel = report.channel and history.record_key = report.record_key
left join {{ ref('int_event_on_map') }} as on_map on on_map.event_key = report.event_key
