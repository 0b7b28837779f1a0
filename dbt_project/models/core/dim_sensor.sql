-- Smoke and electrical sensors, each where it was hung last: an IMEI that was taken down and hung elsewhere stands in
-- the register once for every place. Who is called when it cries stays with the alarm centre.
select distinct on (device_id)
    device_id as sensor_key,
    device_id,
    install_no,
    kind,
    maker,
    unit_name,
    premises_code,
    address,
    spot,
    longitude,
    latitude,
    installed_on,
    removed_on,
    case when removed_on is null then 'installed' else 'removed' end as state,
    count(*) over (partition by device_id) as places
from {{ ref('stg_smoke_sensor__installations') }}
order by device_id, installed_on desc, install_no desc
