-- Vehicles that passed a checkpoint, by direction and hour. More unread plates than passes is a fault of the camera.
select
    counted.point_code,
    counted.direction,
    counted.hour as hour_starting,
    {{ local_date('counted.hour') }} as counted_on,
    point.name as point_name,
    point.longitude,
    point.latitude,
    counted.passes::integer as passes,
    case when counted.large_vehicles <= counted.passes then counted.large_vehicles::integer end as large_vehicles,
    case when counted.unread <= counted.passes then counted.unread::integer end as unread,
    coalesce(counted.unread <= counted.passes, false) as sound
from {{ ref('stg_traffic_police__counts') }} as counted
left join {{ ref('stg_traffic_police__points') }} as point on point.point_code = counted.point_code
