-- Patrols of safety staff and flights of drones: where somebody looked and how much was found. Who walked is left out:
-- this is no record of anybody's work.
with patrol as (
    select
        'safety_patrol' as channel, patrol_no, grid_code, patrolled_at as started_at, null::timestamptz as ended_at,
        case when found = 'hazard' then 1 else 0 end::bigint as findings
    from {{ ref('stg_safety_patrol__patrols') }}
    union all
    select 'drone_patrol', flight_no, null, took_off_at, landed_at, findings
    from {{ ref('stg_drone_patrol__flights') }}
)

select
    patrol.channel || ':' || patrol.patrol_no as patrol_key,
    patrol.channel,
    patrol.patrol_no,
    grid.grid_code,
    grid.community_code,
    patrol.started_at,
    {{ local_date('patrol.started_at') }} as started_on,
    patrol.ended_at,
    patrol.findings
from patrol
left join {{ ref('dim_grid') }} as grid on grid.grid_code = patrol.grid_code
