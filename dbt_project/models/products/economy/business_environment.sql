-- The index of the business environment (营商环境指数) of each of the last eight whole quarters, 0 to 100, with its method in
-- the row: every component with its value, weight, the values that are worth nothing and all, and what it adds. Without
-- one of them there is no index: what is not known makes nothing better.
with component as (
    select
        part.quarter_from,
        part.component,
        part.value,
        part.observations,
        part.unknown_because,
        method.weight,
        method.unit,
        method.zero_at,
        method.full_at,
        method.version,
        -- least() and greatest() pass over what is null: an unknown value would be worth all the points.
        case
            when part.value is not null
                then round(method.weight / sum(method.weight) over (partition by part.quarter_from) * 100
                    * greatest(0, least(1, (part.value - method.zero_at) / (method.full_at - method.zero_at))), 2)
        end as points
    from {{ ref('int_business_component') }} as part
    inner join {{ ref('business_environment_components') }} as method
        on method.component = part.component and {{ in_force('method') }}
),

gathered as (
    select
        quarter_from,
        min(version) as method_version,
        sum(points) as points,
        coalesce(array_agg(component order by component) filter (where points is null), '{}'::text[])
            as unknown_components,
        jsonb_agg(
            jsonb_build_object(
                'component', component, 'value', value, 'unit', unit, 'observations', observations, 'weight', weight,
                'zero_at', zero_at, 'full_at', full_at, 'points', points, 'unknown_because', unknown_because
            )
            order by component
        ) as components
    from component
    group by quarter_from
)

select
    quarter_from,
    (quarter_from + interval '3 months' - interval '1 day')::date as quarter_to,
    case when cardinality(unknown_components) = 0 then points end::numeric(5, 2) as index_value,
    case when cardinality(unknown_components) = 0 then 'known' else 'unknown' end as state,
    case
        when cardinality(unknown_components) = 0
            then 'sum of the weighted components, each between its zero and its full value'
        else 'unknown without ' || array_to_string(unknown_components, ', ')
    end as reason,
    components,
    unknown_components,
    method_version
from gathered
