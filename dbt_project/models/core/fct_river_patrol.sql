-- Patrols along the rivers. A patrol has a place only through its track: the middle of its points, which one point in
-- another province does not move; steps longer than a kilometre are jumps of the receiver and are not walked.
with point as (
    select
        patrol.patrol_no,
        told.place,
        split_part(told.pair, ',', 1)::double precision as longitude,
        split_part(told.pair, ',', 2)::double precision as latitude
    from {{ ref('stg_river_chief__patrols') }} as patrol
    cross join lateral unnest(string_to_array(patrol.track, ';')) with ordinality as told (pair, place)
    where told.pair ~ '^[0-9]{1,3}([.][0-9]{1,12})?,[0-9]{1,2}([.][0-9]{1,12})?$'
),

step as (
    select
        patrol_no,
        longitude,
        latitude,
        111320 * sqrt(
            power((longitude - lag(longitude) over walk) * cos(radians(latitude)), 2)
            + power(latitude - lag(latitude) over walk, 2)
        ) as metres
    from point
    window walk as (partition by patrol_no order by place)
),

track as (
    select
        patrol_no,
        count(*)::integer as points,
        (coalesce(sum(metres) filter (where metres <= 1000), 0) / 1000)::numeric(8, 2) as length_km,
        count(*) filter (where metres > 1000)::integer as jumps,
        percentile_disc(0.5) within group (order by longitude) as longitude,
        percentile_disc(0.5) within group (order by latitude) as latitude
    from step
    group by patrol_no
)

select
    patrol.patrol_no,
    patrol.river_code,
    patrol.river_name,
    patrol.level,
    {{ local_date('patrol.started_at') }} as patrolled_on,
    patrol.started_at,
    case
        when patrol.ended_at >= patrol.started_at
            then round(extract(epoch from patrol.ended_at - patrol.started_at) / 60)::integer
    end as minutes,
    coalesce(track.points, 0) as points,
    track.length_km,
    coalesce(track.jumps, 0) as jumps,
    track.longitude,
    track.latitude,
    near.grid_code as nearest_grid_code,
    patrol.problems::integer as problems
from {{ ref('stg_river_chief__patrols') }} as patrol
left join track on track.patrol_no = patrol.patrol_no
left join lateral (
    select grid.grid_code
    from {{ ref('dim_grid') }} as grid
    where track.longitude is not null and grid.longitude is not null
    order by
        power((grid.longitude - track.longitude) * cos(radians(track.latitude)), 2)
        + power(grid.latitude - track.latitude, 2),
        grid.grid_code
    limit 1
) as near on true
