-- Aid for retired employees in hardship or gravely ill (P11): due the festival gift (P10), and approved as dibao or
-- dibian on the same cut-off day or ill, which no register tells. Looked at are those who were approved and those who
-- receive it; of the latter without an approval nobody here can say whether they are ill.
with approved as (
    select
        gift.resident_key,
        jsonb_agg(
            jsonb_build_object('system', 'minimum_living', 'stream', 'members', 'record', member.record_key)
            order by member.record_key
        ) as records
    from {{ ref('int_welfare_p10') }} as gift
    inner join {{ ref('int_minimum_living_member') }} as member on member.resident_key = gift.resident_key
    where member.category in ('dibao', 'dibian')
        and member.valid_from <= gift.due_on and coalesce(member.valid_to, 'infinity'::date) >= gift.due_on
    group by gift.resident_key
),

judged as (
    select
        gift.*,
        approved.records,
        gift.outcome = 'eligible' and approved.resident_key is null as illness_missing
    from {{ ref('int_welfare_p10') }} as gift
    left join approved on approved.resident_key = gift.resident_key
    left join {{ ref('int_welfare_receiving') }} as receiving
        on receiving.resident_key = gift.resident_key and receiving.policy_code = 'P11'
    where approved.resident_key is not null or receiving.resident_key is not null
)

select
    resident_key,
    'P11' as policy_code,
    case when illness_missing then 'unknown' else outcome end as outcome,
    case
        when illness_missing then reason || '; illness is in no register'
        when outcome = 'eligible' then reason || ', approved as dibao or dibian on that day'
        else reason
    end as reason,
    case when illness_missing then array['illness'] else missing_evidence end as missing_evidence,
    rests_on,
    case when outcome = 'eligible' and not illness_missing
            then {{ parameter('policy_parameters', 'P11', 'amount') }} end::numeric(12, 2) as amount_due,
    due_on,
    jsonb_build_object(
        'rules', jsonb_build_array('P11.with_P10', 'P11.hardship_or_illness'),
        'records', evidence -> 'records' || coalesce(records, '[]'::jsonb)
    ) as evidence
from judged
