-- The newest value of each of the city's indicators from each department. Departments count in their own ways (口径): values
-- under two definitions, in two units, or under a definition that nobody told stand side by side and do not compare.
with parameter as (
    select
        {{ parameter('product_parameters', 'town_indicator', 'stale_after') }} as stale_after,
        {{ parameter_version('product_parameters', 'town_indicator') }} as parameter_version,
        {{ unusable_inputs([['city_brain', 'indicators']]) }} as unknown_inputs
),

newest as (
    select distinct on (indicator_code, provider)
        indicator_code,
        provider,
        name,
        definition,
        unit,
        value,
        stated_on
    from {{ ref('fct_indicator') }}
    where stated_on <= {{ as_of() }}
    order by indicator_code, provider, stated_on desc
),

compared as (
    select
        indicator_code,
        count(*)::integer as providers,
        count(distinct definition)::integer as definitions,
        count(definition) < count(*) as definition_missing,
        count(distinct coalesce(unit, '')) as units
    from newest
    group by indicator_code
)

select
    newest.indicator_code,
    newest.provider,
    newest.name,
    newest.definition,
    case
        when newest.definition is not null
            then dense_rank() over (partition by newest.indicator_code order by newest.definition nulls last)
    end::integer as definition_no,
    compared.definitions,
    compared.providers,
    case
        when compared.providers = 1 then 'single'
        when compared.definitions > 1 then 'differing_definitions'
        when compared.definition_missing then 'definition_unknown'
        when compared.units > 1 then 'differing_units'
        else 'comparable'
    end as comparability,
    newest.unit,
    case when cardinality(parameter.unknown_inputs) = 0 then newest.value end::numeric(20, 4) as value,
    newest.stated_on,
    {{ as_of() }} - newest.stated_on as age_days,
    case
        when cardinality(parameter.unknown_inputs) > 0 then 'unknown'
        when {{ as_of() }} - newest.stated_on > parameter.stale_after then 'stale'
        else 'current'
    end as state,
    parameter.unknown_inputs,
    parameter.parameter_version
from newest
inner join compared on compared.indicator_code = newest.indicator_code
cross join parameter
