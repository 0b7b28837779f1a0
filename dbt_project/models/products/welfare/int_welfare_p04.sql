-- Relief in an emergency (P04): an event of the last weeks that cost more than a household of little income can bear, as
-- told and checked where help was asked for. Of several events the one that speaks most for it counts: one relief per
-- event and period. What the office decided of it is not read: the rule looks at the same facts.
with parameter as (
    select
        {{ parameter('policy_parameters', 'P04', 'least_cost') }} as least_cost,
        {{ parameter('policy_parameters', 'P04', 'most_income') }} as most_income,
        {{ parameter('policy_parameters', 'P04', 'event_days') }}::integer as event_days
),

judged as (
    select
        link.entity_key as resident_key,
        asked.record_key,
        {{ by_name('link') }} as by_name,
        asked.happened_on,
        asked.cost,
        asked.income_per_capita,
        parameter.least_cost,
        parameter.most_income,
        case
            when asked.cost < parameter.least_cost then 'small'
            when asked.income_per_capita > parameter.most_income then 'income'
            when asked.cost is null or asked.income_per_capita is null then 'untold'
            else 'due'
        end as finding
    from {{ ref('stg_welfare_payment__applications') }} as asked
    cross join parameter
    inner join {{ source('resolution', 'membership') }} as link
        on link.kind = 'resident' and link.to_run is null and link.system = 'welfare_payment'
        and link.stream = 'applications' and link.record_key = asked.record_key
    where asked.policy_code = 'P04'
        and asked.happened_on > {{ as_of() }} - parameter.event_days and asked.happened_on <= {{ as_of() }}
)

select distinct on (resident_key)
    resident_key,
    'P04' as policy_code,
    case finding when 'due' then 'eligible' when 'untold' then 'unknown' else 'not_eligible' end as outcome,
    case finding
        when 'due' then 'event on ' || happened_on || ', cost and income within the rule'
        when 'untold' then 'event on ' || happened_on || ' without its cost or the income of the household'
        when 'small' then 'event on ' || happened_on || '; its cost is below ' || least_cost || ' yuan'
        else 'event on ' || happened_on || '; the income of the household is above ' || most_income || ' yuan a head'
    end as reason,
    array_remove(array[
        case when finding = 'untold' and cost is null then 'cost of the event' end,
        case when finding = 'untold' and income_per_capita is null then 'income of the household' end
    ], null) as missing_evidence,
    'welfare_payment.applications' as rests_on,
    null::numeric(12, 2) as amount_due,
    by_name,
    jsonb_build_object(
        'rules', jsonb_build_array('P04.event', 'P04.cost', 'P04.income'),
        'records', jsonb_build_array(
            jsonb_build_object('system', 'welfare_payment', 'stream', 'applications', 'record', record_key)
        )
    ) as evidence
from judged
order by resident_key, array_position(array['due', 'untold', 'income', 'small'], finding), by_name, record_key
