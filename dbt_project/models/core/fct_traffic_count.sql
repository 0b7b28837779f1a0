-- Vehicles past each checkpoint by hour and direction; no plate and no track ever comes here.
select
    count.point_no,
    point.name as point_name,
    count.hour,
    count.direction,
    count.vehicles,
    count.unread_plates,
    point.longitude,
    point.latitude
from {{ ref('stg_traffic_police__counts') }} as count
left join {{ ref('stg_traffic_police__points') }} as point on point.point_no = count.point_no
