-- Living subsidy for disabled people in hardship (P06): a certificate valid on the day and an approval as dibao or dibian,
-- or a low income, which no register tells. So without an approval nobody gets a "no": the holder of a certificate of
-- a heavy level or of an approval that ended lately is asked, of the others the income is missing.
with parameter as (
    select
        {{ parameter('policy_parameters', 'P06', 'amount') }} as amount,
        {{ parameter('policy_parameters', 'P06', 'contact_level') }} as contact_level,
        {{ parameter('policy_parameters', 'P06', 'contact_days') }}::integer as contact_days
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
        parameter.amount,
        case
            when not certificate.in_force then 'no_certificate'
            when hardship.category is not null then 'approved'
            when hardship.ended_on >= {{ as_of() }} - parameter.contact_days then 'lapsed'
            when certificate.level::numeric <= parameter.contact_level then 'heavy'
            else 'no_income'
        end as finding
    from {{ ref('int_welfare_certificate') }} as certificate
    cross join parameter
    left join {{ ref('int_welfare_hardship') }} as hardship on hardship.resident_key = certificate.resident_key
)

select
    resident_key,
    'P06' as policy_code,
    case finding
        when 'no_certificate' then 'not_eligible'
        when 'approved' then 'eligible'
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
        when 'lapsed' then 'certificate valid, approval ended on ' || ended_on || '; hardship is to be asked'
        when 'heavy' then 'certificate of level ' || level || '; hardship is to be asked'
        else 'certificate valid; the income of the household is in no register'
    end as reason,
    case when finding = 'no_income' then array['income of the household'] else '{}'::text[] end as missing_evidence,
    'disability_certificate.certificates' as rests_on,
    case when finding = 'approved' then amount end::numeric(12, 2) as amount_due,
    jsonb_build_object(
        'rules', jsonb_build_array('P06.certificate_in_force', 'P06.hardship'),
        'records', jsonb_build_array(jsonb_build_object('system', 'disability_certificate', 'stream', 'certificates'))
            || coalesce(records, '[]'::jsonb)
    ) as evidence
from judged
