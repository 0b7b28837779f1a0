-- Reports that went back on their way: how often from closed to open again, and how often at all. What a report did
-- between two pulls nobody saw, so no row here means that nothing was seen.
with step as (
    select
        channel,
        record_key,
        step_number,
        lag(step_number) over (partition by channel, record_key order by first_load) as step_before
    from {{ ref('int_event_version') }}
    where step_number is not null
        and {{ is_changed('events', 'int_event_history', "channel || ':' || record_key") }}
)

select
    channel,
    record_key,
    count(*) filter (where step_before = 5)::integer as reopened,
    count(*)::integer as gone_back
from step
where step_number < step_before
group by channel, record_key
