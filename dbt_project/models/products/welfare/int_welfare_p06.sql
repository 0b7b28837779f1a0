-- Living subsidy for disabled people in hardship (P06): a certificate valid on the day and an approval as dibao or dibian,
-- or a low income, which the yearly visit to holders of certificates tells. Without an approval and a visit of late whose
-- income can be read nobody gets a "no": the holder of a certificate of a heavy level is asked, of the others the income
-- is missing. An approval that ended after the visit is a reason to ask too.
with parameter as (
    select
        {{ parameter('policy_parameters', 'P06', 'amount') }} as amount,
        {{ parameter('policy_parameters', 'P06', 'contact_level') }} as contact_level,
        {{ parameter('policy_parameters', 'P06', 'contact_days') }}::integer as contact_days,
        {{ parameter('policy_parameters', 'P06', 'income_line') }} as income_line,
        {{ parameter('policy_parameters', 'P06', 'survey_days') }}::integer as survey_days
),

-- A visit names the certificate, whose holder is known. Incomes are told by the month or by the year; where nobody wrote
-- which, nothing is known.
visit as (
    select distinct on (link.entity_key)
        link.entity_key as resident_key,
        {{ by_name('link') }} as by_name,
        survey.record_key,
        survey.surveyed_on,
        case survey.income_period when 'year' then survey.income / 12 when 'month' then survey.income end as income
    from {{ ref('stg_disability_certificate__surveys') }} as survey
    inner join {{ source('resolution', 'membership') }} as link
        on link.kind = 'resident' and link.to_run is null and link.system = 'disability_certificate'
        and link.stream = 'certificates' and link.record_key = survey.certificate_no
    where survey.surveyed_on <= {{ as_of() }}
    order by link.entity_key, by_name, survey.surveyed_on desc, survey.record_key
),

judged as (
    select
        certificate.resident_key,
        certificate.state,
        certificate.valid_to,
        certificate.level,
        hardship.category,
        hardship.ended_on,
        hardship.records,
        certificate.by_name as certificate_by_name,
        hardship.by_name as hardship_by_name,
        visit.by_name as visit_by_name,
        parameter.amount,
        parameter.income_line,
        visit.record_key as visit,
        visit.surveyed_on,
        case
            when not certificate.in_force then 'no_certificate'
            when hardship.category is not null and hardship.by_name is not true then 'approved'
            when hardship.category is null and hardship.ended_on >= {{ as_of() }} - parameter.contact_days
                and hardship.ended_on >= coalesce(visit.surveyed_on, '-infinity'::date) then 'lapsed'
            when visit.surveyed_on >= {{ as_of() }} - parameter.survey_days and visit.income < parameter.income_line
                then 'poor'
            when hardship.category is not null then 'approved'
            when visit.surveyed_on >= {{ as_of() }} - parameter.survey_days and visit.income >= parameter.income_line
                then 'above'
            when certificate.level::numeric <= parameter.contact_level then 'heavy'
            else 'no_income'
        end as finding
    from {{ ref('int_welfare_certificate') }} as certificate
    cross join parameter
    left join {{ ref('int_welfare_hardship') }} as hardship on hardship.resident_key = certificate.resident_key
    left join visit on visit.resident_key = certificate.resident_key
)

select
    resident_key,
    'P06' as policy_code,
    case finding
        when 'no_certificate' then 'not_eligible'
        when 'approved' then 'eligible'
        when 'poor' then 'eligible'
        when 'above' then 'not_eligible'
        when 'no_income' then 'unknown'
        else 'candidate'
    end as outcome,
    case finding
        when 'no_certificate' then case
            when state = 'cancelled' then 'certificate cancelled'
            when valid_to < {{ as_of() }} then 'certificate expired on ' || valid_to
            else 'certificate not valid on the day'
        end
        when 'approved' then 'certificate valid, approved as ' || category
        when 'poor' then 'certificate valid, income below ' || income_line || ' yuan by the visit of ' || surveyed_on
        when 'above' then 'certificate valid; income not below ' || income_line || ' yuan by the visit of ' || surveyed_on
        when 'lapsed' then 'certificate valid, approval ended on ' || ended_on || '; hardship is to be asked'
        when 'heavy' then 'certificate of level ' || level || '; hardship is to be asked'
        else 'certificate valid; no visit of late tells the income of the household'
    end as reason,
    case when finding = 'no_income' then array['income of the household'] else '{}'::text[] end as missing_evidence,
    case finding when 'above' then 'disability_certificate.surveys' else 'disability_certificate.certificates' end
        as rests_on,
    case when finding in ('approved', 'poor') then amount end::numeric(12, 2) as amount_due,
    certificate_by_name or case
        when finding in ('approved', 'lapsed') then hardship_by_name
        when finding in ('poor', 'above') then visit_by_name
    end as by_name,
    jsonb_build_object(
        'rules', jsonb_build_array('P06.certificate_in_force', 'P06.hardship'),
        'records', jsonb_build_array(jsonb_build_object('system', 'disability_certificate', 'stream', 'certificates'))
            || coalesce(records, '[]'::jsonb)
    ) as evidence
from judged
