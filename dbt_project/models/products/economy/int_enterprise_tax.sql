-- What each taxpayer paid in the twelve months up to the newest one told, and in the twelve before: yuan, refunds and
-- corrections taken off. A group that files as one pays at its head, as in fct_tax. Who paid nothing in months that
-- were told paid zero; where an amount of it waits in quarantine, nobody knows what it paid.
-- Months are told apart first and joined by equality: for a range PostgreSQL would walk through the index of all amounts.
with known as (
    select distinct period_month
    from {{ ref('fct_tax') }}
    where period_month <= {{ as_of() }}
),

month as (
    select known.period_month, known.period_month > (newest.month - interval '12 months')::date as recent
    from known
    cross join (select max(period_month) as month from known) as newest
    where known.period_month > (newest.month - interval '24 months')::date
),

paid as (
    select
        fct.enterprise_key,
        sum(fct.amount) filter (where month.recent) as recent,
        sum(fct.amount) filter (where not month.recent) as earlier,
        bool_or(fct.amount is null) as doubtful
    from {{ ref('fct_tax') }} as fct
    inner join month on month.period_month = fct.period_month
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
cross join (select count(*) as months from month) as told
left join paid on paid.enterprise_key = taxpayer.enterprise_key
