-- The places of the fifteen-minute circle (十五分钟服务圈): what they serve with, where, and when. A place without coordinates
-- is not on the map, and says so; a register that cannot be read, or whose newer row of the place waits in quarantine,
-- says of no place that it is open.
with parameter as (
    select {{ unusable_inputs([['service_circle', 'places'], ['party_building', 'service_points']]) }} as unusable
),

held as (
    select *
    from {{ held_about(
        [['service_circle', 'places'], ['party_building', 'service_points']], "waiting.system || ':' || waiting.record_key"
    ) }} as about
),

point as (
    select
        point.*,
        array_remove(array[
            case
                when point.source = 'service_circle' and 'service_circle.places' = any(parameter.unusable)
                    then 'service_circle.places'
                when point.source = 'party_building' and 'party_building.service_points' = any(parameter.unusable)
                    then 'party_building.service_points'
            end
        ], null) as unknown_inputs,
        coalesce(held.rows_held, 0) as rows_held,
        {{ held_unplaced('held', ref('dim_service_point'), 'service_point_key') }} as rows_held_unplaced
    from {{ ref('dim_service_point') }} as point
    cross join parameter
    left join held on held.thing = point.service_point_key
)

select
    point.service_point_key,
    point.source,
    point.name,
    point.kind,
    point.service,
    point.community_code,
    community.name as community_name,
    point.address,
    case when point.latitude is not null then point.longitude end as longitude,
    case when point.longitude is not null then point.latitude end as latitude,
    case when point.longitude is not null and point.latitude is not null then 'known' else 'unknown' end as place,
    point.opening_hours,
    case
        when coalesce(trim(point.opening_hours), '') = '' then 'unknown'
        when point.opening_hours ~ '^[0-9]{1,2}:[0-9]{2}-[0-9]{1,2}:[0-9]{2}$' then 'hours'
        when point.opening_hours = '全天' then 'all_day'
        else 'words'
    end as opening,
    case
        when cardinality(point.unknown_inputs) > 0 then 'unknown'
        when point.state = 'open' and point.rows_held > 0 then 'unknown'
        else point.state
    end as state,
    point.unknown_inputs,
    point.rows_held,
    point.rows_held_unplaced
from point
left join {{ ref('dim_community') }} as community on community.community_code = point.community_code
