-- The components of the business environment for each of the last eight whole quarters: a value, the observations that
-- it rests on, or why there is none. Only what the town's own registers say; what the buildings' owners think of it
-- (营商环境指数 of the buildings' file) is no component.
with parameter as (
    select
        {{ parameter('product_parameters', 'business_environment', 'building_cover_from') }} as building_cover_from,
        {{ parameter('product_parameters', 'business_environment', 'undated_closures_to') }} as undated_closures_to,
        {{ unusable_inputs([['enterprise_demand', 'demands']]) }} as without_demands,
        {{ unusable_inputs([['enterprise_visit', 'visits'], ['market_registration', 'enterprises']]) }} as without_visits,
        {{ unusable_inputs([['building_economy', 'buildings'], ['building_economy', 'quarters']]) }}
            as without_buildings,
        {{ unusable_inputs([['market_registration', 'enterprises']]) }} as without_register
),

quarter as (
    select
        (date_trunc('quarter', {{ as_of() }} + 1) - make_interval(months => 3 * step.n))::date as quarter_from,
        (date_trunc('quarter', {{ as_of() }} + 1) - make_interval(months => 3 * step.n - 3))::date as next_from
    from (values (1), (2), (3), (4), (5), (6), (7), (8)) as step (n)
),

due as (
    select
        quarter.quarter_from,
        count(demand.demand_no) as observations,
        avg((not demand.late)::integer) as value
    from quarter
    left join {{ ref('fct_enterprise_demand') }} as demand
        on demand.due_on >= quarter.quarter_from and demand.due_on < quarter.next_from
        -- Turned down is no answer that came too late.
        and demand.state <> 'rejected'
    group by quarter.quarter_from
),

answered as (
    select
        quarter.quarter_from,
        count(demand.satisfaction) as observations,
        avg(demand.satisfaction) as value
    from quarter
    left join {{ ref('fct_enterprise_demand') }} as demand
        on {{ local_date('demand.closed_at') }} >= quarter.quarter_from
        and {{ local_date('demand.closed_at') }} < quarter.next_from
    group by quarter.quarter_from
),

-- The market register alone: what only the tax office lists has no day of opening or closing. Those that closed nobody
-- knows when belong to no quarter; where they are many, no quarter's closures are known.
enterprise as (
    select enterprise_key, registered_on, closed_on
    from {{ ref('dim_enterprise') }}
    where state <> 'unknown' and (state = 'open' or closed_on is not null)
),

undated as (
    select coalesce(avg((closed_on is null)::integer), 0) as share
    from {{ ref('dim_enterprise') }}
    where state in ('revoked', 'cancelled')
),

living as (
    select
        quarter.quarter_from,
        count(*) filter (where enterprise.registered_on < quarter.quarter_from) as at_the_beginning,
        count(*) filter (where coalesce(enterprise.closed_on >= quarter.next_from, true)) as at_the_end,
        count(*) filter (where enterprise.registered_on >= quarter.quarter_from) as opened,
        count(*) filter (where enterprise.closed_on < quarter.next_from) as closed
    from quarter
    inner join enterprise
        on enterprise.registered_on < quarter.next_from
        and coalesce(enterprise.closed_on >= quarter.quarter_from, true)
    group by quarter.quarter_from
),

visited as (
    select
        quarter.quarter_from,
        count(visit.visit_no) as observations,
        count(distinct enterprise.enterprise_key) as enterprises
    from quarter
    left join {{ ref('fct_enterprise_visit') }} as visit
        on visit.visited_on >= quarter.quarter_from and visit.visited_on < quarter.next_from
    -- Of those that are counted below the line.
    left join enterprise
        on enterprise.enterprise_key = visit.enterprise_key and enterprise.registered_on < quarter.next_from
        and coalesce(enterprise.closed_on >= quarter.next_from, true)
    group by quarter.quarter_from
),

let as (
    select
        quarter.quarter_from,
        count(building.building_code) as observations,
        count(building.occupied_share)::numeric / nullif(count(building.building_code), 0) as cover,
        -- A sum of doubles would follow the order of rows.
        sum(building.let_sqm::numeric) filter (where building.occupied_share is not null)
        / nullif(sum(building.area_sqm::numeric) filter (where building.occupied_share is not null), 0) as value
    from quarter
    left join {{ ref('building_economy') }} as building on building.quarter_from = quarter.quarter_from
    group by quarter.quarter_from
),

measured as (
    select
        'demands_in_time' as component,
        due.quarter_from,
        due.value::numeric as value,
        due.observations,
        parameter.without_demands as without,
        null::text as flaw
    from due
    cross join parameter
    union all
    select
        'satisfaction',
        answered.quarter_from,
        answered.value::numeric,
        answered.observations,
        parameter.without_demands,
        null
    from answered
    cross join parameter
    union all
    select
        'visit_coverage',
        visited.quarter_from,
        visited.enterprises::numeric / nullif(living.at_the_end, 0),
        visited.observations,
        parameter.without_visits,
        case when coalesce(living.at_the_end, 0) = 0 then 'no enterprise is known to be open' end
    from visited
    cross join parameter
    left join living on living.quarter_from = visited.quarter_from
    union all
    select
        'net_openings',
        quarter.quarter_from,
        (living.opened - living.closed)::numeric / nullif(living.at_the_beginning, 0),
        coalesce(living.opened + living.closed, 0),
        parameter.without_register,
        -- The register forgets: a quarter from which no closure is left would look better than any other.
        case
            when coalesce(living.closed, 0) = 0 then 'no closure is on record'
            when undated.share > parameter.undated_closures_to then 'too many closures have no day'
        end
    from quarter
    cross join parameter
    cross join undated
    left join living on living.quarter_from = quarter.quarter_from
    union all
    select
        'occupancy',
        let.quarter_from,
        let.value::numeric,
        let.observations,
        parameter.without_buildings,
        case
            when coalesce(let.cover, 0) < parameter.building_cover_from
                then 'the let share of too few buildings is known'
        end
    from let
    cross join parameter
)

select
    measured.quarter_from,
    measured.component,
    case
        when cardinality(measured.without) = 0 and measured.observations >= method.minimum and measured.flaw is null
            then measured.value
    end::numeric(12, 6) as value,
    measured.observations::integer as observations,
    case
        when cardinality(measured.without) > 0 then 'without ' || array_to_string(measured.without, ', ')
        when measured.observations < method.minimum then 'too few observations'
        when measured.flaw is not null then measured.flaw
        when measured.value is null then 'no value'
    end as unknown_because
from measured
inner join {{ ref('business_environment_components') }} as method
    on method.component = measured.component and {{ in_force('method') }}
