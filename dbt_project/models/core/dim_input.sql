-- What each stream is worth at the moment of building: a product that needs an unusable one says "unknown". Held rows
-- are counted as they wait now: an unchanged file is not rejected again, and its held rows are as unread as before.
with held as (
    select system, stream, count(*) as rows_held
    from {{ source('control', 'held_rows') }}
    group by system, stream
)

select
    status.system,
    status.stream,
    status.state,
    status.state = 'fresh' as usable,
    coalesce(held.rows_held, 0) as rows_held,
    status.last_committed_at
from {{ source('control', 'input_status') }} as status
left join held on held.system = status.system and held.stream = status.stream
