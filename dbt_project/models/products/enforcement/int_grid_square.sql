-- The squares of a 500th of a degree (some 200 m) that each grid's border in force reaches into, with the border: so points
-- and borders are joined by square, and no point is compared with every border of the town. Borders without holes.
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
        '(' || string_agg('(' || longitude || ',' || latitude || ')', ',' order by number) || ')' as line
    from corner
    group by grid_code
)

select border.grid_code, across.number as across, up.number as up, west, east, south, north, line
from border
cross join lateral
    generate_series(floor(border.west * 500)::integer, floor(border.east * 500)::integer) as across (number)
cross join lateral
    generate_series(floor(border.south * 500)::integer, floor(border.north * 500)::integer) as up (number)
