-- Tax of the tenants of an office building by quarter, as far as the lease register knows them: a firm with several
-- rooms is divided by their area. Leases that ended long ago are no longer in the register, so of old quarters few
-- tenants are known; `leased_sqm` says on how much area the sum rests. A quarter of which not every month was told has
-- no sum, nor has a building of whose tenants one's tax is not known: one that the tax register does not know, or of which
-- an amount is null or waits in quarantine. Who is known and paid nothing paid zero. Areas are summed as numeric: a sum of
-- doubles would follow the order of rows.
with quarter as (
    select distinct quarter_from, (quarter_from + interval '3 months' - interval '1 day')::date as quarter_to
    from {{ ref('fct_building_quarter') }}
),

named as (
    select name, min(building_code) as building_code
    from {{ ref('dim_building') }}
    group by name
    having count(*) = 1
),

lease as (
    select
        coalesce(lease.building_code, named.building_code) as building_code,
        lease.enterprise_key,
        lease.area_sqm::numeric as area_sqm,
        lease.starts_on,
        lease.ends_on
    from {{ ref('dim_lease') }} as lease
    left join named on named.name = lease.building_name
    where lease.enterprise_key is not null and lease.area_sqm > 0
),

tenancy as (
    select lease.building_code, lease.enterprise_key, quarter.quarter_from, sum(lease.area_sqm) as area_sqm
    from lease
    inner join quarter
        on lease.starts_on <= quarter.quarter_to and coalesce(lease.ends_on >= quarter.quarter_to, true)
    group by lease.building_code, lease.enterprise_key, quarter.quarter_from
),

divided as (
    select
        *,
        area_sqm / sum(area_sqm) over (partition by enterprise_key, quarter_from) as share
    from tenancy
),

-- Months told apart first: to count distinct ones among all amounts is to sort these.
told as (
    select date_trunc('quarter', period_month)::date as quarter_from, count(*) as months
    from (select distinct period_month from {{ ref('fct_tax') }}) as fct
    group by 1
),

paid as (
    select
        enterprise_key,
        date_trunc('quarter', period_month)::date as quarter_from,
        sum(amount) as amount,
        bool_or(amount is null) as doubtful
    from {{ ref('fct_tax') }}
    where enterprise_key in (select divided.enterprise_key from divided)
    group by 1, 2
)

select
    divided.building_code,
    divided.quarter_from,
    sum(divided.area_sqm)::double precision as leased_sqm,
    count(*)::integer as enterprises,
    case
        when min(told.months) = 3 and not bool_or(coalesce(tax.doubtful, true) or coalesce(paid.doubtful, false))
            then sum(coalesce(paid.amount, 0) * divided.share)
    end::numeric(18, 2) as tax_yuan
from divided
left join told on told.quarter_from = divided.quarter_from
left join {{ ref('int_enterprise_tax') }} as tax on tax.enterprise_key = divided.enterprise_key
left join paid on paid.enterprise_key = divided.enterprise_key and paid.quarter_from = divided.quarter_from
where divided.building_code is not null
group by divided.building_code, divided.quarter_from
