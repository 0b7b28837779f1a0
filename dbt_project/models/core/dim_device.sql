-- Video devices of the directory: what stands where, and whether it works. No stream, no person.
select
    device_id as device_key,
    device_id,
    name,
    state,
    longitude,
    latitude
from {{ ref('stg_video_index__devices') }}
