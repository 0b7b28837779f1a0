-- Old-age allowance (P08): registered here and of the starting age by the end of the month: it starts with the birth
-- month. Looked at are registered residents from a year before that age on, those without a known birth date, and
-- whoever receives it.
with parameter as (
    select
        {{ parameter('policy_parameters', 'P08', 'starting_age') }}::int as starting_age,
        {{ parameter('policy_parameters', 'P08', 'evidence_age') }}::int as evidence_age,
        (date_trunc('month', {{ as_of() }}) + interval '1 month' - interval '1 day')::date as month_end
),

receiver as (
    select distinct resident_key
    from {{ ref('int_welfare_receiving') }}
    where policy_code = 'P08'
),

resident as (
    select
        person.resident_key,
        person.hukou_here,
        person.hukou_by_name,
        extract(year from age(parameter.month_end, person.birth_date))::int as age,
        person.birth_date_source
    from {{ ref('dim_resident') }} as person
    cross join parameter
    left join receiver on receiver.resident_key = person.resident_key
    where receiver.resident_key is not null
        or (
            person.hukou_here
            and (
                person.birth_date is null
                or extract(year from age(parameter.month_end, person.birth_date)) >= parameter.evidence_age
            )
        )
),

registration as (
    select
        link.entity_key as resident_key,
        jsonb_agg(
            jsonb_build_object('system', 'household_registry', 'stream', 'residents', 'record', person.record_key)
            order by person.record_key
        ) as records
    from {{ ref('stg_household_registry__residents') }} as person
    inner join {{ source('resolution', 'membership') }} as link
        on link.kind = 'resident' and link.to_run is null and link.system = 'household_registry'
        and link.stream = 'residents' and link.record_key = person.record_key
    inner join resident on resident.resident_key = link.entity_key
    group by link.entity_key
),

judged as (
    select
        resident.*,
        parameter.starting_age,
        case
            when not resident.hukou_here then 'not_eligible'
            when resident.age is null then 'unknown'
            when resident.age >= parameter.starting_age then 'eligible'
            else 'not_eligible'
        end as outcome
    from resident
    cross join parameter
)

select
    judged.resident_key,
    'P08' as policy_code,
    judged.outcome,
    case
        when not judged.hukou_here then 'not registered in this town'
        when judged.age is null then 'no birth date is known'
        else 'registered here, age ' || judged.age || ' this month'
            || case when judged.outcome = 'eligible' then '' else '; P08 starts at ' || judged.starting_age end
    end as reason,
    case when judged.outcome = 'unknown' then array['birth date'] else '{}'::text[] end as missing_evidence,
    'household_registry.residents' as rests_on,
    case when judged.outcome = 'eligible' then amount.value end::numeric(12, 2) as amount_due,
    -- Too young is a "no" wherever they are registered.
    judged.hukou_by_name and judged.outcome <> 'not_eligible' as by_name,
    jsonb_build_object(
        'rules', jsonb_build_array('P08.registered_here', 'P08.age'),
        'records', coalesce(registration.records, '[]'::jsonb),
        'birth_date_from', judged.birth_date_source
    ) as evidence
from judged
left join registration on registration.resident_key = judged.resident_key
left join {{ ref('policy_parameters') }} as amount
    on amount.subject = 'P08' and amount.item = 'amount_by_age'
    and judged.age between amount.band_from and amount.band_to and {{ in_force('amount') }}
