-- What each stream is worth at the moment of building: a product that needs an unusable one says "unknown".
select
    system,
    stream,
    state,
    state = 'fresh' as usable,
    last_committed_at
from {{ source('control', 'input_status') }}
