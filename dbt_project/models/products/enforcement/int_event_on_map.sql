-- The grid around a report that has a position and names no grid. Inside means inside by the border in force; where two
-- overlap, the first of them by code. Only borders that share a square with the point are walked around.
select report.event_key, min(square.grid_code) as grid_code
from {{ ref('fct_event') }} as report
inner join {{ ref('int_grid_square') }} as square
    on square.across = floor(report.longitude * 500)::integer and square.up = floor(report.latitude * 500)::integer
    -- PostgreSQL takes a point for inside that is a tenth of a metre outside.
    and report.longitude between square.west and square.east
    and report.latitude between square.south and square.north
    and ('(' || report.longitude || ',' || report.latitude || ')')::point <@ square.line::polygon
where report.grid_code is null
    and {{ is_changed('events', 'int_event_on_map', 'report.event_key') }}
group by report.event_key
