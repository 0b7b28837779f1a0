-- Care subsidy for the old (P09, a voucher): of the starting age, approved as dibao or dibian, and assessed as disabled.
-- An assessment that ran out says nothing about today and somebody never assessed is not thereby able: such a person is
-- a candidate, to be offered an assessment.
with parameter as (
    select {{ parameter('policy_parameters', 'P09', 'starting_age') }} as starting_age
),

-- Somebody on the list twice has the latest assessment.
assessed as (
    select distinct on (resident_key)
        resident_key,
        case level when 'able' then 0 when 'mild' then 1 when 'moderate' then 2 when 'severe' then 3 when 'total' then 4
        end as level,
        assessment,
        by_name
    from {{ ref('dim_elder') }}
    where resident_key is not null and state = 'served'
    order by resident_key, assessment = 'valid' desc, by_name, assessed_on desc nulls last, elder_no
),

approved as (
    select
        hardship.resident_key,
        hardship.category,
        hardship.records,
        hardship.by_name as hardship_by_name,
        assessed.by_name as assessed_by_name,
        extract(year from age({{ as_of() }}, person.birth_date))::int as age,
        assessed.level,
        assessed.assessment,
        parameter.starting_age
    from {{ ref('int_welfare_hardship') }} as hardship
    cross join parameter
    inner join {{ ref('dim_resident') }} as person on person.resident_key = hardship.resident_key
    left join assessed on assessed.resident_key = hardship.resident_key
    where hardship.category is not null
),

judged as (
    select
        approved.*,
        case
            when age < starting_age then 'young'
            when category = 'tekun' then 'tekun'
            when age is null then 'no_birth_date'
            when assessment is distinct from 'valid' then 'not_assessed'
            when level >= 1 then 'disabled'
            else 'able'
        end as finding
    from approved
)

select
    judged.resident_key,
    'P09' as policy_code,
    case judged.finding
        when 'no_birth_date' then 'unknown'
        when 'not_assessed' then 'candidate'
        when 'disabled' then 'eligible'
        else 'not_eligible'
    end as outcome,
    case judged.finding
        when 'young' then 'age ' || judged.age || '; P09 starts at ' || judged.starting_age
        when 'tekun' then 'approved as tekun: care is part of P03'
        when 'no_birth_date' then 'no birth date is known'
        when 'not_assessed' then 'approved as ' || judged.category || ', age ' || judged.age || ', '
            || case judged.assessment when 'lapsed' then 'assessment ran out' else 'no valid assessment' end
            || '; one is to be offered'
        when 'disabled' then 'approved as ' || judged.category || ', age ' || judged.age || ', assessed at degree '
            || judged.level
        else 'assessed as able'
    end as reason,
    case when judged.finding = 'no_birth_date' then array['birth date'] else '{}'::text[] end as missing_evidence,
    case judged.finding when 'able' then 'elderly_service.elders' else 'minimum_living.members' end as rests_on,
    case when judged.finding = 'disabled' then amount.value end::numeric(12, 2) as amount_due,
    case
        when judged.finding in ('disabled', 'able') then judged.hardship_by_name or judged.assessed_by_name
        when judged.finding <> 'young' then judged.hardship_by_name
    end as by_name,
    jsonb_build_object(
        'rules', jsonb_build_array('P09.age', 'P09.hardship', 'P09.assessment'),
        'records', judged.records || case
            when judged.assessment is null then '[]'::jsonb
            else jsonb_build_array(jsonb_build_object('system', 'elderly_service', 'stream', 'elders'))
        end
    ) as evidence
from judged
left join {{ ref('policy_parameters') }} as amount
    on amount.subject = 'P09' and amount.item = 'amount_by_level'
    and amount.band_from = judged.level and {{ in_force('amount') }}
