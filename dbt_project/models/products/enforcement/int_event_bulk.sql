-- Closed by a button and not by work: many reports of one unit in the same second.
with crowded as materialized (
    -- Looked for first by the second alone, which is quick: nearly every report has one of its own.
    select coalesce(closed_at, updated_at) as closing
    from {{ ref('fct_event') }}
    group by coalesce(closed_at, updated_at)
    having count(*) >= {{ parameter('event_parameters', 'event', 'bulk_closed_from') }}
)

select event.channel, coalesce(event.unit_code, '') as unit_code, crowded.closing
from crowded
inner join {{ ref('fct_event') }} as event on coalesce(event.closed_at, event.updated_at) = crowded.closing
where {{ event_step('event.state') }} = 'closed' and {{ local_date('event.reported_at') }} <= {{ as_of() }}
group by event.channel, coalesce(event.unit_code, ''), crowded.closing
having count(*) >= {{ parameter('event_parameters', 'event', 'bulk_closed_from') }}
