-- Closed by a button and not by work: many reports of one unit in the same second.
select channel, coalesce(unit_code, '') as unit_code, coalesce(closed_at, updated_at) as closing
from {{ ref('fct_event') }}
where {{ event_step('state') }} = 'closed' and coalesce(closed_at, updated_at) is not null
    and {{ local_date('reported_at') }} <= {{ as_of() }}
group by channel, coalesce(unit_code, ''), coalesce(closed_at, updated_at)
having count(*) >= {{ parameter('event_parameters', 'event', 'bulk_closed_from') }}
