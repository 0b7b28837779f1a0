-- Nursing subsidy for severe disability (P07): a certificate valid on the day, level 1 or 2, or level 3 for class 5
-- (intellectual) or 6 (mental); not together with tekun support (P03), which already includes care. A certificate's own
-- number opens with its holder's identity number, so the evidence names the stream and leaves the number out.
with certificate as (
    select
        link.entity_key as resident_key,
        paper.class,
        paper.level,
        paper.state,
        paper.valid_to,
        paper.issued_on,
        paper.state = 'valid' and coalesce(paper.valid_to, 'infinity'::date) >= {{ as_of() }}
        and coalesce(paper.issued_on, '-infinity'::date) <= {{ as_of() }} as in_force,
        row_number() over (
            partition by link.entity_key
            order by
                paper.state = 'valid' and coalesce(paper.valid_to, 'infinity'::date) >= {{ as_of() }}
                and coalesce(paper.issued_on, '-infinity'::date) <= {{ as_of() }} desc,
                paper.issued_on desc nulls last,
                paper.certificate_no
        ) as preference
    from {{ ref('stg_disability_certificate__certificates') }} as paper
    inner join {{ source('resolution', 'membership') }} as link
        on link.kind = 'resident' and link.to_run is null and link.system = 'disability_certificate'
        and link.stream = 'certificates' and link.record_key = paper.record_key
),

tekun as (
    select
        resident_key,
        jsonb_agg(
            jsonb_build_object('system', 'minimum_living', 'stream', 'members', 'record', record_key) order by record_key
        ) as records
    from {{ ref('int_minimum_living_member') }}
    where category = 'tekun' and in_force
    group by resident_key
),

judged as (
    select
        certificate.*,
        tekun.records as tekun_records,
        case
            when not certificate.in_force then 'not_eligible'
            when tekun.resident_key is not null then 'not_eligible'
            when certificate.class is null or certificate.level is null then 'unknown'
            when certificate.level in ('1', '2') or (certificate.level = '3' and certificate.class in ('5', '6'))
                then 'eligible'
            else 'not_eligible'
        end as outcome
    from certificate
    left join tekun on tekun.resident_key = certificate.resident_key
    where certificate.preference = 1
)

select
    judged.resident_key,
    'P07' as policy_code,
    judged.outcome,
    case
        when not judged.in_force and judged.state = 'cancelled' then 'certificate cancelled'
        when not judged.in_force and judged.valid_to < {{ as_of() }} then 'certificate expired on ' || judged.valid_to
        when not judged.in_force then 'certificate not valid on the day'
        when judged.tekun_records is not null then 'tekun support (P03) excludes P07'
        when judged.outcome = 'unknown' then 'certificate without class or level'
        else 'certificate class ' || judged.class || ', level ' || judged.level
            || case when judged.outcome = 'eligible' then '' else '; P07 needs level 1 or 2, or 3 for class 5 or 6' end
    end as reason,
    case when judged.outcome = 'unknown' then array['class and level of disability_certificate.certificates']
        else '{}'::text[] end as missing_evidence,
    case when judged.in_force and judged.tekun_records is not null then 'minimum_living.members'
        else 'disability_certificate.certificates' end as rests_on,
    case when judged.outcome = 'eligible' then amount.value end::numeric(12, 2) as amount_due,
    jsonb_build_object(
        'rules', jsonb_build_array('P07.certificate_in_force', 'P07.not_with_P03', 'P07.class_and_level'),
        'records', jsonb_build_array(jsonb_build_object('system', 'disability_certificate', 'stream', 'certificates'))
            || coalesce(judged.tekun_records, '[]'::jsonb)
    ) as evidence
from judged
left join {{ ref('policy_parameters') }} as amount
    on amount.policy_code = 'P07' and amount.parameter = 'amount_by_level'
    and amount.band_from::text = judged.level and {{ in_force('amount') }}
