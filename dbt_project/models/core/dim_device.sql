-- Video devices of the directories: what stands where, and whether it works. No stream, no person. A device that stands
-- in both directories is taken from the district's.
with device as (
    select 1 as rank_no, 'video_index' as directory, device_id, name, state, longitude, latitude
    from {{ ref('stg_video_index__devices') }}
    union all
    select 2, 'high_altitude_video', device_id, name, state, longitude, latitude
    from {{ ref('stg_high_altitude_video__devices') }}
)

select distinct on (device_id)
    device_id as device_key,
    device_id,
    directory,
    name,
    state,
    longitude,
    latitude
from device
order by device_id, rank_no
