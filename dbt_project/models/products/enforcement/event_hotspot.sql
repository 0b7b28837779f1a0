-- Incidents (not reports) of the last 30 days by grid and kind, against the town. A grid's rate per 1,000 doors is drawn
-- towards the town's the more the fewer doors it has (Marshall's global empirical Bayes, method of moments), and what is
-- left of it over the town's rate is the ratio that a level is read from. What was dismissed is no incident. Below the
-- minimum a count is chance: no level, no rate, no trend; between persons not even the count. A count that lacks a
-- channel, or a kind whose incidents mostly have no grid, is unknown. Reports that wait in quarantine can be of any kind
-- and day: a level that is not raised stands only where it would stand with all that wait about the grid counted in.
with parameter as (
    select
        {{ parameter('event_parameters', 'event', 'window_days') }}::integer as days,
        {{ parameter('event_parameters', 'event', 'few_below') }} as few_below,
        {{ parameter('event_parameters', 'event', 'placed_share_from') }} as placed_from,
        {{ parameter('event_parameters', 'event', 'high_from') }} as high_from,
        {{ parameter('event_parameters', 'event', 'raised_from') }} as raised_from,
        {{ parameter('event_parameters', 'event', 'low_to') }} as low_to,
        {{ parameter('event_parameters', 'event', 'trend_deviations') }} as deviations,
        {{ parameter_version('event_parameters') }} as method_version,
        {{ unusable_inputs(event_channels() + [['grid_map', 'grids'], ['standard_address', 'addresses']]) }}
            as unknown_inputs
),

recent as (
    select
        event.event_type,
        event.grid_code,
        event.reported_on > {{ as_of() }} - parameter.days as now,
        event.channel_count
    from {{ ref('int_event_incident') }} as event
    cross join parameter
    where event.state <> 'dismissed' and event.reported_on > {{ as_of() }} - 2 * parameter.days
),

counted as (
    select
        grid_code,
        event_type,
        count(*) filter (where now) as incidents,
        count(*) filter (where not now) as incidents_before
    from recent
    where grid_code is not null
    group by grid_code, event_type
),

of_kind as (
    select
        event_type,
        count(*) filter (where now) as incidents,
        count(*) filter (where now and grid_code is not null) as placed
    from recent
    group by event_type
),

door as (
    select grid_code, count(*) as doors
    from {{ ref('stg_standard_address__addresses') }}
    group by grid_code
),

-- By the grid that a waiting report names, else by the incident that another version of it belongs to: asked for each by
-- itself, for they are few.
held as (
    select
        coalesce(
            told.grid_code,
            (
                select report.grid_code
                from {{ ref('int_event_report') }} as report
                where report.event_key = waiting.system || ':' || waiting.record_key
                    and report.stream = waiting.stream
            )
        ) as thing,
        count(*)::integer as rows_held
    from {{ held_rows(event_channels()) }} as waiting
    left join {{ ref('dim_grid') }} as told on told.grid_code = waiting.refers ->> 'grid_code'
    group by 1
),

cell as (
    select
        grid.grid_code,
        grid.community_code,
        about.event_type,
        about.between_persons,
        coalesce(door.doors, 0) as doors,
        coalesce(counted.incidents, 0) as incidents,
        coalesce(counted.incidents_before, 0) as incidents_before,
        coalesce(held.rows_held, 0) as rows_held,
        {{ held_unplaced('held', ref('dim_grid'), 'grid_code') }} as rows_held_unplaced,
        of_kind.placed::numeric / nullif(of_kind.incidents, 0) as placed_share
    from {{ ref('dim_grid') }} as grid
    cross join {{ ref('event_types') }} as about
    left join door on door.grid_code = grid.grid_code
    left join counted on counted.grid_code = grid.grid_code and counted.event_type = about.event_type
    left join of_kind on of_kind.event_type = about.event_type
    left join held on held.thing = grid.grid_code
),

-- Of one kind over all grids with doors: the town's rate, and by how much rates spread beyond chance.
mean as (
    select event_type, sum(incidents) / sum(doors) as rate, sum(doors) / count(*) as doors_a_grid, sum(doors) as doors
    from cell
    where doors > 0
    group by event_type
),

spread as (
    select
        mean.event_type,
        mean.rate,
        greatest(
            0,
            sum(cell.doors * power(cell.incidents / cell.doors::numeric - mean.rate, 2)) / mean.doors
            - mean.rate / mean.doors_a_grid
        ) as between_grids
    from mean
    inner join cell on cell.event_type = mean.event_type and cell.doors > 0
    group by mean.event_type, mean.rate, mean.doors, mean.doors_a_grid
),

weighed as (
    select
        cell.*,
        spread.rate as town_rate,
        1 + coalesce(
            spread.between_grids / nullif(spread.between_grids + spread.rate / nullif(cell.doors, 0), 0), 0
        ) * (cell.incidents / nullif(cell.doors, 0)::numeric / nullif(spread.rate, 0) - 1) as ratio,
        1 + coalesce(
            spread.between_grids / nullif(spread.between_grids + spread.rate / nullif(cell.doors, 0), 0), 0
        ) * ((cell.incidents + cell.rows_held) / nullif(cell.doors, 0)::numeric / nullif(spread.rate, 0) - 1)
            as ratio_with_held
    from cell
    left join spread on spread.event_type = cell.event_type
),

rated as (
    select
        weighed.grid_code,
        weighed.event_type,
        weighed.community_code,
        weighed.between_persons,
        weighed.doors,
        weighed.incidents,
        weighed.incidents_before,
        weighed.placed_share,
        weighed.rows_held,
        weighed.rows_held_unplaced,
        case when weighed.town_rate > 0 then weighed.ratio end as ratio,
        parameter.few_below,
        parameter.high_from,
        parameter.raised_from,
        parameter.low_to,
        parameter.days,
        parameter.method_version,
        parameter.unknown_inputs,
        cardinality(parameter.unknown_inputs) > 0
            or coalesce(weighed.placed_share < parameter.placed_from, false)
            or weighed.doors = 0
            or (
                weighed.rows_held > 0
                and not (
                    weighed.incidents >= parameter.few_below and coalesce(weighed.ratio >= parameter.raised_from, false)
                )
                and weighed.incidents + weighed.rows_held >= parameter.few_below
                -- Of a kind that has not happened anywhere, enough that wait in one grid are a rise.
                and coalesce(weighed.ratio_with_held >= parameter.raised_from, true)
            ) as unknown,
        weighed.incidents < parameter.few_below as few,
        weighed.incidents * 1000.0 / nullif(weighed.doors, 0) as rate,
        case
            when weighed.incidents + weighed.incidents_before < parameter.few_below then 'unknown'
            when abs(weighed.incidents - weighed.incidents_before)
                <= parameter.deviations * sqrt(weighed.incidents + weighed.incidents_before) then 'steady'
            when weighed.incidents > weighed.incidents_before then 'rising'
            else 'falling'
        end as trend
    from weighed
    cross join parameter
),

told as (
    select
        rated.*,
        case when not unknown and not (few and between_persons and incidents > 0) then incidents end::integer as shown
    from rated
)

select
    grid_code,
    event_type,
    community_code,
    {{ as_of() }} - days + 1 as window_from,
    {{ as_of() }} as window_to,
    case
        when unknown then 'unknown'
        when few then 'few'
        when ratio >= high_from then 'high'
        when ratio >= raised_from then 'raised'
        when ratio <= low_to then 'low'
        else 'usual'
    end as level,
    shown as incidents,
    case
        when not unknown and not (between_persons and (few or incidents_before between 1 and few_below - 1))
            then incidents_before
    end::integer as incidents_before,
    -- Of what is shown: a share of all would give away, by division, what is not.
    case when not unknown and not few then round(shown::numeric / sum(shown) over (partition by grid_code), 4) end
        ::numeric(5, 4) as share_of_grid,
    case when not unknown and not few then round(rate, 3) end::numeric(10, 3) as rate_per_1000_doors,
    case when not unknown and not few then round(ratio, 3) end::numeric(8, 3) as ratio_to_town,
    case when unknown or few then 'unknown' else trend end as trend,
    few and not unknown as few,
    doors::integer as doors,
    round(placed_share, 4)::numeric(5, 4) as placed_share,
    unknown_inputs,
    method_version,
    rows_held,
    rows_held_unplaced
from told
