-- Sums over the whole town of what other purposes hold, of the last nine whole months, the span of the case study: numbers
-- of records, days and yuan of the town as one group each. Permitted for the overview by quality/declassifications.yml,
-- source by source, and only because every group of fewer than ten records is left out, and of fewer than ten people what
-- is said of people. Months count from the first that has any record, and one without a record is one of them.
with span as (
    select
        (date_trunc('month', {{ as_of() }} + 1) - interval '9 months')::date as first_day,
        date_trunc('month', {{ as_of() }} + 1)::date as end_day
),

record as (
    select
        'events' as figure,
        {{ local_date('reported_at') }} as happened_on,
        null::numeric as amount,
        null::text as person
    from {{ ref('stg_four_platform__events') }}
    union all
    select 'reports', {{ local_date('reported_at') }}, null, null
    from {{ ref('stg_snapshot_report__reports') }}
    union all
    select 'disputes', {{ local_date('accepted_at') }}, null, null
    from {{ ref('stg_dispute_mediation__cases') }}
    union all
    select 'inspections', {{ local_date('inspected_at') }}, null, null
    from {{ ref('stg_safety_inspection__inspections') }}
    union all
    select 'hazards', {{ local_date('found_at') }}, null, null
    from {{ ref('stg_safety_inspection__hazards') }}
    union all
    select 'payments', paid_on, amount, resident_id
    from {{ ref('stg_welfare_payment__payments') }}
    where state = 'paid'
    -- Registers: who and what is there now.
    union all
    select 'premises', {{ as_of() }}, null, null
    from {{ ref('stg_safety_inspection__premises') }}
    where state = 'open'
    union all
    select 'enterprises', {{ as_of() }}, null, null
    from {{ ref('stg_market_registration__enterprises') }}
    where state = 'open'
    union all
    select 'household', {{ as_of() }}, null, null
    from {{ ref('stg_household_registry__residents') }}
    where state = 'normal'
    union all
    select 'migrants', {{ as_of() }}, null, null
    from {{ ref('stg_migrant_registry__registrations') }}
    where coalesce(deregistered_on > {{ as_of() }}, true)
),

began as (
    select
        record.figure,
        greatest(span.first_day, date_trunc('month', min(record.happened_on))::date) as first_day,
        span.end_day
    from record
    cross join span
    group by record.figure, span.first_day, span.end_day
),

covered as (
    select
        *,
        (extract(year from end_day) - extract(year from first_day)) * 12
        + extract(month from end_day) - extract(month from first_day) as months
    from began
),

-- Apart from the counting: to tell people apart is to sort, and the records are a hundred times as many.
payee as (
    select covered.figure, count(distinct record.person) as people
    from record
    inner join covered
        on covered.figure = record.figure
        and record.happened_on >= covered.first_day and record.happened_on < covered.end_day
    where record.figure = 'payments'
    group by covered.figure
)

select
    record.figure,
    count(*)::integer as records,
    -- Registers are of one day.
    greatest(max(covered.months), 1)::integer as months,
    case when max(payee.people) >= 10 then sum(record.amount) end::numeric(18, 2) as amount,
    case when max(payee.people) >= 10 then max(payee.people) end::integer as people
from record
inner join covered
    on covered.figure = record.figure
    and (
        record.figure in ('premises', 'enterprises', 'household', 'migrants')
        or (record.happened_on >= covered.first_day and record.happened_on < covered.end_day)
    )
left join payee on payee.figure = record.figure
group by record.figure
having count(*) >= 10
