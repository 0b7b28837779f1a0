-- The squares of a 500th of a degree (some 200 m) that each grid's border in force reaches into, with the border: so points
-- and borders are joined by square, and no point is compared with every border of the town. A grid may lie in several
-- pieces: each is a part with a border of its own, for a corner of one is no neighbour of a corner of the next. Holes
-- are not cut out.
with part as (
    select grid.grid_code, part.rings, part.number::integer as part
    from {{ ref('dim_grid') }} as grid
    cross join lateral jsonb_array_elements(
        case grid.geometry::jsonb ->> 'type'
            when 'Polygon' then jsonb_build_array(grid.geometry::jsonb -> 'coordinates')
            when 'MultiPolygon' then grid.geometry::jsonb -> 'coordinates'
        end
    ) with ordinality as part (rings, number)
),

corner as (
    select
        part.grid_code,
        part.part,
        (point.value ->> 0)::double precision as longitude,
        (point.value ->> 1)::double precision as latitude,
        point.number
    from part
    cross join lateral jsonb_array_elements(part.rings -> 0) with ordinality as point (value, number)
),

border as (
    select
        grid_code,
        part,
        min(longitude) as west,
        max(longitude) as east,
        min(latitude) as south,
        max(latitude) as north,
        '(' || string_agg('(' || longitude || ',' || latitude || ')', ',' order by number) || ')' as line
    from corner
    group by grid_code, part
)

select border.grid_code, border.part, across.number as across, up.number as up, west, east, south, north, line
from border
cross join lateral
    generate_series(floor(border.west * 500)::integer, floor(border.east * 500)::integer) as across (number)
cross join lateral
    generate_series(floor(border.south * 500)::integer, floor(border.north * 500)::integer) as up (number)
