-- Cameras of the directory and door sensors. Whose door a sensor is on stays in the care system.
with last_reading as (
    select device_id, max(measured_at) as last_seen_at
    from {{ ref('stg_elder_door_sensor__readings') }}
    group by device_id
)

select
    'camera:' || camera.device_id as device_key,
    'camera' as kind,
    camera.device_id,
    camera.name,
    camera.state,
    camera.longitude,
    camera.latitude,
    null::text as community_code,
    null::text as grid_code,
    null::date as installed_on,
    null::timestamptz as last_seen_at
from {{ ref('stg_video_index__devices') }} as camera
union all
select
    'door_sensor:' || sensor.device_id,
    'door_sensor',
    sensor.device_id,
    null,
    case when last_reading.last_seen_at is null then 'silent' else 'reporting' end,
    home.longitude,
    home.latitude,
    home.community_code,
    home.grid_code,
    sensor.installed_on,
    last_reading.last_seen_at
from {{ ref('stg_elder_door_sensor__devices') }} as sensor
left join last_reading on last_reading.device_id = sensor.device_id
left join {{ ref('stg_standard_address__addresses') }} as home on home.address_code = sensor.address_code
