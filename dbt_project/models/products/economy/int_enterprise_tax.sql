-- What each taxpayer paid in the twelve months up to the newest one told, and in the twelve before: yuan, refunds and
-- corrections taken off. A group that files as one pays at its head, as in fct_tax. Who paid nothing in months that
-- were told paid zero; where an amount of it waits in quarantine, nobody knows what it paid.
with newest as (
    select max(period_month) as month
    from {{ ref('fct_tax') }}
    where period_month <= {{ as_of() }}
),

-- Months told apart first: to count distinct ones among all amounts is to sort these.
told as (
    select count(*) as months
    from (select distinct period_month from {{ ref('fct_tax') }}) as fct
    inner join newest
        on fct.period_month <= newest.month and fct.period_month > (newest.month - interval '24 months')::date
),

paid as (
    select
        fct.enterprise_key,
        sum(fct.amount) filter (where fct.period_month > (newest.month - interval '12 months')::date) as recent,
        sum(fct.amount) filter (where fct.period_month <= (newest.month - interval '12 months')::date) as earlier,
        bool_or(fct.amount is null) as doubtful
    from {{ ref('fct_tax') }} as fct
    inner join newest
        on fct.period_month <= newest.month and fct.period_month > (newest.month - interval '24 months')::date
    where fct.enterprise_key is not null
    group by fct.enterprise_key
),

held as (
    select distinct split_part(record_key, '|', 1) as taxpayer_no
    from {{ source('control', 'held_rows') }}
    where system = 'tax_analysis' and stream = 'collections'
),

taxpayer as (
    select member.entity_key as enterprise_key, bool_or(held.taxpayer_no is not null) as held
    from {{ source('resolution', 'membership') }} as member
    left join held on held.taxpayer_no = member.record_key
    where member.kind = 'enterprise' and member.to_run is null and member.system = 'tax_registry'
        and member.stream = 'taxpayers'
    group by member.entity_key
)

select
    taxpayer.enterprise_key,
    coalesce(paid.recent, 0)::numeric(18, 2) as tax_12_months,
    coalesce(paid.earlier, 0)::numeric(18, 2) as tax_12_months_before,
    told.months::integer as months_told,
    taxpayer.held or coalesce(paid.doubtful, false) as doubtful
from taxpayer
cross join told
left join paid on paid.enterprise_key = taxpayer.enterprise_key
