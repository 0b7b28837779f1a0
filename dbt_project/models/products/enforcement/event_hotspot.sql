-- Incidents (not reports) of the last 30 days by grid and kind, against the town. A grid's rate per 1,000 doors is drawn
-- towards the town's the more the fewer doors it has (Marshall's global empirical Bayes, method of moments), and what is
-- left of it over the town's rate is the ratio that a level is read from. What was dismissed is no incident. Below the
-- minimum a count is chance: no level, no rate, no trend; between persons not even the count. A count that lacks a
-- channel, or a kind whose incidents mostly have no grid, is unknown.
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

cell as (
    select
        grid.grid_code,
        grid.community_code,
        about.event_type,
        about.between_persons,
        coalesce(door.doors, 0) as doors,
        coalesce(counted.incidents, 0) as incidents,
        coalesce(counted.incidents_before, 0) as incidents_before,
        of_kind.placed::numeric / nullif(of_kind.incidents, 0) as placed_share
    from {{ ref('dim_grid') }} as grid
    cross join {{ ref('event_types') }} as about
    left join door on door.grid_code = grid.grid_code
    left join counted on counted.grid_code = grid.grid_code and counted.event_type = about.event_type
    left join of_kind on of_kind.event_type = about.event_type
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

rated as (
    select
        cell.*,
        parameter.few_below,
        parameter.high_from,
        parameter.raised_from,
        parameter.low_to,
        parameter.days,
        parameter.method_version,
        parameter.unknown_inputs,
        cardinality(parameter.unknown_inputs) > 0
            or coalesce(cell.placed_share < parameter.placed_from, false)
            or cell.doors = 0 as unknown,
        cell.incidents < parameter.few_below as few,
        cell.incidents * 1000.0 / nullif(cell.doors, 0) as rate,
        case
            when spread.rate > 0 then 1 + coalesce(
                spread.between_grids / nullif(spread.between_grids + spread.rate / nullif(cell.doors, 0), 0), 0
            ) * (cell.incidents / nullif(cell.doors, 0)::numeric / spread.rate - 1)
        end as ratio,
        case
            when cell.incidents + cell.incidents_before < parameter.few_below then 'unknown'
            when abs(cell.incidents - cell.incidents_before)
                <= parameter.deviations * sqrt(cell.incidents + cell.incidents_before) then 'steady'
            when cell.incidents > cell.incidents_before then 'rising'
            else 'falling'
        end as trend
    from cell
    cross join parameter
    left join spread on spread.event_type = cell.event_type
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
    method_version
from told
