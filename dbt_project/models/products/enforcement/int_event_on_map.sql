-- The grid around a report that has a position and names no grid. Inside means inside by the border in force, for
-- borders without holes; where two overlap, the first of them by code. The box around a border is looked at first: it
-- costs a comparison, the border itself costs a walk around it.
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
)

select report.event_key, min(border.grid_code) as grid_code
from {{ ref('fct_event') }} as report
inner join border
    on report.longitude between border.west and border.east
    and report.latitude between border.south and border.north
    and ('(' || report.longitude || ',' || report.latitude || ')')::point <@ border.line
where report.grid_code is null
group by report.event_key
