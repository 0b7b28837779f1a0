-- Door sensors of elderly people living alone. Care is the only purpose they came for, so they stand apart from other
-- devices. Whose door a sensor is on stays in the care system; silence is a fault of the device until somebody looked.
with last_reading as (
    select device_id, max(measured_at) as last_seen_at
    from {{ ref('stg_elder_door_sensor__readings') }}
    group by device_id
)

select
    sensor.device_id as device_key,
    sensor.device_id,
    case when last_reading.last_seen_at is null then 'silent' else 'reporting' end as state,
    home.longitude,
    home.latitude,
    home.community_code,
    home.grid_code,
    sensor.installed_on,
    last_reading.last_seen_at
from {{ ref('stg_elder_door_sensor__devices') }} as sensor
left join last_reading on last_reading.device_id = sensor.device_id
left join {{ ref('stg_standard_address__addresses') }} as home on home.address_code = sensor.address_code
