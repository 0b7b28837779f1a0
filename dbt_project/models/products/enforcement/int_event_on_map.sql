-- The grid around a report that has a position and names no grid. Inside means inside by the border in force, for
-- borders without holes; where two overlap, the first of them by code. Only borders that share a square of a 500th of a
-- degree (some 200 m) with the point are walked around: of a whole town's points and borders that is a join, not a
-- comparison of each with each.
with corner as (
    select
        grid.grid_code,
        (point.value ->> 0)::double precision as longitude,
        (point.value ->> 1)::double precision as latitude,
        point.number
    from {{ ref('dim_grid') }} as grid
    cross join lateral
        jsonb_array_elements(grid.geometry::jsonb -> 'coordinates' -> 0) with ordinality as point (value, number)
    where grid.geometry::jsonb ->> 'type' = 'Polygon'
),

border as (
    select
        grid_code,
        min(longitude) as west,
        max(longitude) as east,
        min(latitude) as south,
        max(latitude) as north,
        ('(' || string_agg('(' || longitude || ',' || latitude || ')', ',' order by number) || ')')::polygon as line
    from corner
    group by grid_code
),

square as (
    select border.*, across.number as across, up.number as up
    from border
    cross join lateral
        generate_series(floor(border.west * 500)::integer, floor(border.east * 500)::integer) as across (number)
    cross join lateral
        generate_series(floor(border.south * 500)::integer, floor(border.north * 500)::integer) as up (number)
)

select report.event_key, min(square.grid_code) as grid_code
from {{ ref('fct_event') }} as report
inner join square
    on square.across = floor(report.longitude * 500)::integer and square.up = floor(report.latitude * 500)::integer
    -- PostgreSQL takes a point for inside that is a tenth of a metre outside.
    and report.longitude between square.west and square.east
    and report.latitude between square.south and square.north
    and ('(' || report.longitude || ',' || report.latitude || ')')::point <@ square.line
where report.grid_code is null
group by report.event_key
