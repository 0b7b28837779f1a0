-- What the town knows of each enterprise, to serve it. What two registers say of its state stands side by side: one that
-- cannot be read, or does not list it, agrees with nothing. Who represents it by law is no part of it, and a business
-- that bears its owner's name is told by its credit code alone.
with parameter as (
    select
        {{ parameter('product_parameters', 'enterprise_profile', 'stable_within') }} as stable_within,
        {{ parameter_version('product_parameters', 'enterprise_profile') }} as parameter_version,
        {{ unusable_inputs([
            ['market_registration', 'enterprises'], ['tax_registry', 'taxpayers'], ['tax_analysis', 'collections'],
            ['enterprise_visit', 'visits'], ['enterprise_demand', 'demands'], ['lease_register', 'leases'],
            ['standard_address', 'addresses']
        ]) }} as unknown_inputs
),

stated as (
    select 'market_registration' as register, 'enterprises' as stream, record_key, state
    from {{ ref('stg_market_registration__enterprises') }}
    union all
    select 'tax_registry', 'taxpayers', record_key, state
    from {{ ref('stg_tax_registry__taxpayers') }}
),

registered as (
    select
        member.entity_key as enterprise_key,
        array_agg(distinct stated.register order by stated.register) as registers,
        min(stated.state) filter (where stated.register = 'market_registration') as market_state,
        max(stated.state) filter (where stated.register = 'market_registration') as other_market_state,
        min(stated.state) filter (where stated.register = 'tax_registry') as tax_state,
        max(stated.state) filter (where stated.register = 'tax_registry') as other_tax_state
    from stated
    inner join {{ source('resolution', 'membership') }} as member
        on member.kind = 'enterprise' and member.to_run is null and member.system = stated.register
        and member.stream = stated.stream and member.record_key = stated.record_key
    group by member.entity_key
),

visit as (
    select
        enterprise_key,
        max(visited_on) as last_visited_on,
        count(*) filter (where visited_on > ({{ as_of() }} - interval '12 months')::date) as visits_12_months
    from {{ ref('fct_enterprise_visit') }}
    where enterprise_key is not null and visited_on <= {{ as_of() }}
    group by enterprise_key
),

demand as (
    select
        enterprise_key,
        count(*) as open_demands,
        count(*) filter (where late) as overdue_demands,
        count(*) filter (where due_on is null) as undated_demands
    from {{ ref('fct_enterprise_demand') }}
    where enterprise_key is not null and state in ('received', 'handling') and reported_on <= {{ as_of() }}
    group by enterprise_key
),

lease as (
    select
        enterprise_key,
        count(*) as running_leases,
        count(*) filter (where warning_level in ('lapsed', 'urgent', 'soon', 'early')) as leases_ending,
        count(*) filter (where warning_level = 'unknown') as leases_undated,
        min(ends_on) as next_lease_end
    from {{ ref('lease_expiry') }}
    where enterprise_key is not null
    group by enterprise_key
),

-- The doors of the enterprises are looked up before anything is grouped: the register of addresses is the larger by far.
address as (
    select enterprise.enterprise_key, min(door.community_code) as community_code
    from {{ ref('dim_enterprise') }} as enterprise
    inner join {{ ref('int_door') }} as door on door.door_key = {{ door_key('enterprise.address') }}
    group by enterprise.enterprise_key
    having count(distinct door.community_code) = 1
),

joined as (
    select
        enterprise.enterprise_key,
        enterprise.credit_code,
        enterprise.name,
        enterprise.kind,
        enterprise.industry,
        enterprise.registered_on,
        enterprise.closed_on,
        address.community_code,
        coalesce(registered.registers, '{}'::text[]) as registers,
        case when registered.market_state = registered.other_market_state
            then registered.market_state when registered.market_state is not null then 'several' end as market_state,
        case when registered.tax_state = registered.other_tax_state
            then registered.tax_state when registered.tax_state is not null then 'several' end as tax_state,
        visit.last_visited_on,
        coalesce(visit.visits_12_months, 0) as visits_12_months,
        coalesce(demand.open_demands, 0) as open_demands,
        coalesce(demand.overdue_demands, 0) as overdue_demands,
        coalesce(demand.undated_demands, 0) as undated_demands,
        coalesce(lease.running_leases, 0) as running_leases,
        coalesce(lease.leases_ending, 0) as leases_ending,
        coalesce(lease.leases_undated, 0) as leases_undated,
        lease.next_lease_end,
        tax.tax_12_months,
        tax.tax_12_months_before,
        coalesce(tax.months_told, 0) as months_told,
        coalesce(tax.doubtful, true) as tax_doubtful,
        parameter.stable_within,
        parameter.parameter_version,
        parameter.unknown_inputs,
        'market_registration.enterprises' = any(parameter.unknown_inputs)
        or 'tax_registry.taxpayers' = any(parameter.unknown_inputs) as register_unusable,
        'tax_registry.taxpayers' = any(parameter.unknown_inputs)
        or 'tax_analysis.collections' = any(parameter.unknown_inputs) as tax_unusable,
        'enterprise_visit.visits' = any(parameter.unknown_inputs) as visits_unusable,
        'enterprise_demand.demands' = any(parameter.unknown_inputs) as demands_unusable,
        'lease_register.leases' = any(parameter.unknown_inputs) as leases_unusable,
        'standard_address.addresses' = any(parameter.unknown_inputs) as addresses_unusable
    from {{ ref('dim_enterprise') }} as enterprise
    cross join parameter
    left join registered on registered.enterprise_key = enterprise.enterprise_key
    left join address on address.enterprise_key = enterprise.enterprise_key
    left join visit on visit.enterprise_key = enterprise.enterprise_key
    left join demand on demand.enterprise_key = enterprise.enterprise_key
    left join lease on lease.enterprise_key = enterprise.enterprise_key
    left join {{ ref('int_enterprise_tax') }} as tax on tax.enterprise_key = enterprise.enterprise_key
),

compared as (
    select
        *,
        case
            when register_unusable then 'unknown'
            when cardinality(registers) < 2 then 'one_register'
            -- A licence that was revoked is out of business for the tax office whether it lost contact or closed the file.
            when (market_state, tax_state) in (
                ('open', 'normal'), ('revoked', 'non_normal'), ('revoked', 'cancelled'), ('cancelled', 'cancelled')
            ) then 'agree'
            else 'conflict'
        end as status_check,
        -- Twelve months of both years, of an enterprise whose every amount is known; else nothing is said.
        not (tax_unusable or tax_doubtful or months_told < 24) as tax_known
    from joined
)

select
    enterprise_key,
    case when credit_code ~ '^9[0-9A-Z]{17}$' then credit_code end as credit_code,
    case when kind = 'firm' then name end as name,
    kind,
    industry,
    case when not addresses_unusable then community_code end as community_code,
    registered_on,
    closed_on,
    registers,
    market_state,
    tax_state,
    status_check,
    case
        when status_check = 'conflict'
            then market_state || ' in the market register, ' || tax_state || ' in the tax register'
    end as status_conflict,
    last_visited_on,
    case when not visits_unusable then visits_12_months end::integer as visits_12_months,
    case when not demands_unusable then open_demands end::integer as open_demands,
    case when not demands_unusable then overdue_demands end::integer as overdue_demands,
    case when not demands_unusable then undated_demands end::integer as undated_demands,
    months_told::integer as tax_months,
    case when tax_known then tax_12_months end::numeric(18, 2) as tax_12_months,
    case when tax_known then tax_12_months_before end::numeric(18, 2) as tax_12_months_before,
    case
        when not tax_known then 'unknown'
        -- Nothing, or more paid back than paid in, is no ground to measure a change from.
        when tax_12_months_before <= 0 then 'no_base'
        when tax_12_months > tax_12_months_before * (1 + stable_within) then 'rising'
        when tax_12_months < tax_12_months_before * (1 - stable_within) then 'falling'
        else 'stable'
    end as tax_trend,
    case when not leases_unusable then running_leases end::integer as running_leases,
    case when not leases_unusable then leases_ending end::integer as leases_ending,
    case when not leases_unusable then leases_undated end::integer as leases_undated,
    case when not leases_unusable then next_lease_end end as next_lease_end,
    unknown_inputs,
    parameter_version
from compared
