-- What became of the hazards that were found: by grid and category of premises, those of the last year and all that are
-- not closed. A hazard is closed when somebody other than its finder has seen it mended. Every pair of a grid and a
-- category stands here, also without any hazard; what cannot be placed stands under "unplaced". Where hazards wait in
-- quarantine the figures are incomplete: those of a premises that can be told stand with it, all others with what is not
-- placed.
with parameter as (
    select
        {{ parameter('risk_weights', 'closure', 'window_days') }}::int as window_days,
        {{ unusable_inputs([
            ['safety_inspection', 'premises'], ['safety_inspection', 'inspections'], ['safety_inspection', 'hazards'],
            ['grid_map', 'grids']
        ]) }} as unknown_inputs
),

hazard as (
    select
        hazard.premises_code,
        hazard.found_on,
        hazard.fixed_on,
        -- Without a day it is due at once, as in the score.
        coalesce(hazard.due_on, hazard.found_on) as due_on,
        case when hazard.fixed_on > {{ as_of() }} then 'open' else hazard.state end as state
    from {{ ref('fct_hazard') }} as hazard
    where hazard.found_on <= {{ as_of() }}
),

placed as (
    select
        coalesce(premises.grid_code, 'unplaced') as grid_code,
        coalesce(premises.category, 'unknown') as category,
        hazard.*
    from hazard
    cross join parameter
    left join {{ ref('dim_premises') }} as premises on premises.premises_code = hazard.premises_code
    where hazard.state <> 'closed' or hazard.found_on > {{ as_of() }} - parameter.window_days
),

counted as (
    select
        grid_code,
        category,
        count(*) as hazards,
        count(*) filter (where state = 'open') as open_hazards,
        count(*) filter (where state = 'open' and due_on < {{ as_of() }}) as overdue,
        count(*) filter (where state = 'unconfirmed') as unconfirmed,
        count(*) filter (where state = 'closed' and fixed_on <= due_on) as closed_on_time,
        count(*) filter (where state = 'closed' and fixed_on > due_on) as closed_late,
        -- Mended before it was found is a clock that goes wrong.
        percentile_cont(0.5) within group (order by greatest(0, fixed_on - found_on))
        filter (where state = 'closed') as median_days
    from placed
    group by grid_code, category
),

held as (
    select
        coalesce(premises.grid_code, 'unplaced') as grid_code,
        coalesce(premises.category, 'unknown') as category,
        sum(waiting.rows_held) as rows_held
    from {{ ref('int_premises_held') }} as waiting
    left join {{ ref('dim_premises') }} as premises on premises.premises_code = waiting.premises_code
    where waiting.input = 'safety_inspection.hazards'
    group by 1, 2
),

looked_at as (
    select grid.grid_code, category.item as category
    from {{ ref('dim_grid') }} as grid
    cross join {{ ref('risk_weights') }} as category
    where category.subject = 'category' and {{ in_force('category') }}
    union
    select grid_code, category from counted
    union
    select grid_code, category from held
)

select
    looked_at.grid_code,
    looked_at.category,
    grid.community_code,
    case
        when cardinality(parameter.unknown_inputs) > 0 then 'unknown'
        when held.rows_held > 0 then 'incomplete'
        else 'known'
    end as state,
    {% for count in ['hazards', 'open_hazards', 'overdue', 'unconfirmed', 'closed_on_time', 'closed_late'] -%}
    case when cardinality(parameter.unknown_inputs) = 0 then coalesce(counted.{{ count }}, 0) end::integer as {{ count }},
    {% endfor -%}
    case when cardinality(parameter.unknown_inputs) = 0 then round(counted.median_days::numeric, 1) end::numeric(8, 1)
        as median_days_to_close,
    case
        when cardinality(parameter.unknown_inputs) = 0 then round(
            (counted.closed_on_time + counted.closed_late)::numeric
            / nullif(counted.closed_on_time + counted.closed_late + counted.unconfirmed, 0), 4
        )
    end::numeric(5, 4) as reinspected_share,
    parameter.unknown_inputs,
    coalesce(held.rows_held, 0)::integer as rows_held
from looked_at
cross join parameter
left join counted on counted.grid_code = looked_at.grid_code and counted.category = looked_at.category
left join held on held.grid_code = looked_at.grid_code and held.category = looked_at.category
left join {{ ref('dim_grid') }} as grid on grid.grid_code = looked_at.grid_code
