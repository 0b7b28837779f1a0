-- Nursing subsidy for severe disability (P07): a certificate valid on the day, level 1 or 2, or level 3 for class 5
-- (intellectual) or 6 (mental). What it is not paid beside stands in policy_exclusions.
with judged as (
    select
        certificate.*,
        case
            when not in_force then 'not_eligible'
            when class is null or level is null then 'unknown'
            when level in ('1', '2') or (level = '3' and class in ('5', '6')) then 'eligible'
            else 'not_eligible'
        end as outcome
    from {{ ref('int_welfare_certificate') }} as certificate
)

select
    judged.resident_key,
    'P07' as policy_code,
    judged.outcome,
    case
        when not judged.in_force and judged.state = 'cancelled' then 'certificate cancelled'
        when not judged.in_force and judged.valid_to < {{ as_of() }} then 'certificate expired on ' || judged.valid_to
        when not judged.in_force then 'certificate not valid on the day'
        when judged.outcome = 'unknown' then 'certificate without class or level'
        else 'certificate class ' || judged.class || ', level ' || judged.level
            || case when judged.outcome = 'eligible' then '' else '; P07 needs level 1 or 2, or 3 for class 5 or 6' end
    end as reason,
    case when judged.outcome = 'unknown' then array['class and level of disability_certificate.certificates']
        else '{}'::text[] end as missing_evidence,
    'disability_certificate.certificates' as rests_on,
    case when judged.outcome = 'eligible' then amount.value end::numeric(12, 2) as amount_due,
    judged.by_name,
    jsonb_build_object(
        'rules', jsonb_build_array('P07.certificate_in_force', 'P07.class_and_level'),
        'records', jsonb_build_array(jsonb_build_object('system', 'disability_certificate', 'stream', 'certificates'))
    ) as evidence
from judged
left join {{ ref('policy_parameters') }} as amount
    on amount.subject = 'P07' and amount.item = 'amount_by_level'
    and amount.band_from::text = judged.level and {{ in_force('amount') }}
