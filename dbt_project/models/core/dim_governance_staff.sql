-- Who stood where in the five circles, and since when. The rosters say who is there now and nothing of since when: a place
-- begins with the first file that has somebody there and ends with the first that has not. Shifts turn; they end no place.
with version as (
    select
        staff_no, name, circle, unit, grid_code, duty, first_load, last_load, seen_from, seen_to,
        lag(last_load) over person as left_off,
        lag(concat_ws('|', circle, unit, duty, grid_code)) over person as place_before,
        concat_ws('|', circle, unit, duty, grid_code) as place
    from {{ ref('int_staff_version') }}
    window person as (partition by staff_no order by first_load)
),

place as (
    select
        *,
        count(*) filter (
            where left_off is distinct from first_load or place_before is distinct from place
        ) over (partition by staff_no order by first_load) as place_no
    from version
)

select
    place.staff_no,
    place.place_no::integer as place_no,
    (array_agg(place.name order by place.first_load desc))[1] as name,
    place.circle,
    place.unit,
    place.duty,
    grid.grid_code,
    grid.community_code,
    {{ local_date('min(place.seen_from)') }} as valid_from,
    case when bool_and(place.last_load is not null) then {{ local_date('max(place.seen_to)') }} end as valid_to,
    bool_or(place.last_load is null) as is_current
from place
left join {{ ref('dim_grid') }} as grid on grid.grid_code = place.grid_code
group by place.staff_no, place.place_no, place.circle, place.unit, place.duty, grid.grid_code, grid.community_code
