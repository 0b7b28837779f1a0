-- Devices of the town's directories: cameras, and gates of estates. What stands where, and whether it works. No stream,
-- no person.
select
    'camera' as kind,
    device_id as device_key,
    device_id,
    name,
    state,
    longitude,
    latitude
from {{ ref('stg_video_index__devices') }}
union all
select
    'gate',
    'gate:' || device_no,
    device_no,
    name,
    state,
    longitude,
    latitude
from {{ ref('stg_smart_community__devices') }}
