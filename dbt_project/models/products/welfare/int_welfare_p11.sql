-- Aid for retired employees in hardship or gravely ill (P11): due the festival gift (P10), and approved as dibao or
-- dibian on the same cut-off day or found gravely ill in the year up to it, as the medical insurance files it. Looked at
-- are those approved, those with a filing and those who receive it.
with approved as (
    select
        gift.resident_key,
        bool_and(member.by_name) as by_name,
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

-- A filing names the pension, whose drawer is known. One without a day of diagnosis may be of this year or another.
ill as (
    select
        gift.resident_key,
        bool_or(filing.diagnosed_on is not null) as is_dated,
        bool_and({{ by_name('link') }}) as by_name,
        jsonb_agg(
            jsonb_build_object('system', 'pension', 'stream', 'illnesses', 'record', filing.record_key)
            order by filing.record_key
        ) as records
    from {{ ref('int_welfare_p10') }} as gift
    inner join {{ source('resolution', 'membership') }} as link
        on link.kind = 'resident' and link.to_run is null and link.system = 'pension'
        and link.stream = 'pensioners' and link.entity_key = gift.resident_key
    inner join {{ ref('stg_pension__illnesses') }} as filing on filing.pension_no = link.record_key
    where filing.diagnosed_on is null and coalesce(filing.filed_on, gift.due_on) > gift.due_on - interval '1 year'
        or filing.diagnosed_on > gift.due_on - interval '1 year' and filing.diagnosed_on <= gift.due_on
    group by gift.resident_key
),

judged as (
    select
        gift.*,
        coalesce(approved.records, '[]'::jsonb) || coalesce(ill.records, '[]'::jsonb) as records,
        approved.by_name as approved_by_name,
        ill.by_name as ill_by_name,
        case
            when gift.outcome <> 'eligible' then 'no_gift'
            when approved.resident_key is not null and approved.by_name is not true then 'approved'
            when ill.is_dated then 'ill'
            when approved.resident_key is not null then 'approved'
            when ill.resident_key is not null then 'undated'
            else 'neither'
        end as finding
    from {{ ref('int_welfare_p10') }} as gift
    left join approved on approved.resident_key = gift.resident_key
    left join ill on ill.resident_key = gift.resident_key
    left join {{ ref('int_welfare_receiving') }} as receiving
        on receiving.resident_key = gift.resident_key and receiving.policy_code = 'P11'
    where approved.resident_key is not null or ill.resident_key is not null or receiving.resident_key is not null
)

select
    resident_key,
    'P11' as policy_code,
    case finding when 'undated' then 'unknown' when 'neither' then 'not_eligible' else outcome end as outcome,
    case finding
        when 'approved' then reason || ', approved as dibao or dibian on that day'
        when 'ill' then reason || ', filed as gravely ill'
        when 'undated' then reason || '; filed as gravely ill on a day that is not told'
        when 'neither' then reason || '; neither approved nor filed as gravely ill'
        else reason
    end as reason,
    case finding when 'undated' then array['day of diagnosis'] else missing_evidence end as missing_evidence,
    case finding when 'neither' then 'pension.illnesses' else rests_on end as rests_on,
    case when finding in ('approved', 'ill') then {{ parameter('policy_parameters', 'P11', 'amount') }} end::numeric(12, 2) as amount_due,
    case finding
        when 'neither' then false
        when 'approved' then by_name or approved_by_name
        when 'no_gift' then by_name
        else by_name or ill_by_name
    end as by_name,
    due_on,
    jsonb_build_object(
        'rules', jsonb_build_array('P11.with_P10', 'P11.hardship_or_illness'),
        'records', evidence -> 'records' || records
    ) as evidence
from judged
