-- Devices of the town's directories: cameras, and gates of estates. What stands where, and whether it works. No stream,
-- no count, no person. A camera that stands in both video directories is taken from the district's.
with device as (
    select
        1 as rank_no, 'camera' as kind, 'video_index' as directory, device_id as device_key, device_id, name, state,
        longitude, latitude
    from {{ ref('stg_video_index__devices') }}
    union all
    select
        2, 'camera', 'high_altitude_video', device_id as device_key, device_id, name, state, longitude, latitude
    from {{ ref('stg_high_altitude_video__devices') }}
    union all
    select
        3, 'gate', 'smart_community', 'gate:' || device_no as device_key, device_no as device_id, name, state, longitude, latitude
    from {{ ref('stg_smart_community__devices') }}
)

select distinct on (device_key)
    kind,
    device_key,
    device_id,
    directory,
    name,
    state,
    longitude,
    latitude
from device
order by device_key, rank_no
