-- What each stream is worth at the moment of building: a product that needs an unusable one says "unknown".
select
    status.system,
    status.stream,
    status.state,
    status.state = 'fresh' as usable,
    coalesce(last_good.rows_quarantined, 0) as rows_held,
    status.last_committed_at
from {{ source('control', 'input_status') }} as status
left join {{ source('control', 'load') }} as last_good on last_good.load_id = status.last_load_id
