-- Petitions as counts. No number of a petition and nothing of a petitioner goes further than staging.
select
    date_trunc('week', registered_on::timestamp)::date as week_starting,
    category,
    community_code,
    count(*)::integer as petitions,
    sum(people)::integer as people,
    count(*) filter (where repeated)::integer as repeated,
    count(*) filter (where form = 'visit')::integer as visits,
    count(*) filter (
        where closed_on <= {{ as_of() }} or (closed_on is null and state = 'closed')
    )::integer as closed,
    count(*) filter (where closed_on <= due_on and closed_on <= {{ as_of() }})::integer as closed_in_time,
    count(*) filter (
        where due_on < {{ as_of() }} and (closed_on is null or closed_on > {{ as_of() }}) and state <> 'closed'
    )::integer as overdue
from {{ ref('stg_petition__petitions') }}
where registered_on <= {{ as_of() }}
group by 1, 2, 3
