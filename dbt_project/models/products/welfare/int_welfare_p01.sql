-- Minimum living security (P01): approved as "dibao" on the day. The approval itself is the evidence; income and assets
-- were weighed by the office that gave it. Being in force as "tekun" (P03) at the same time excludes P01, so that is a
-- contradiction for a person to settle, not a "no".
with resident as (
    select
        resident_key,
        bool_or(in_force and category = 'dibao') as is_dibao,
        bool_or(in_force and category = 'tekun') as is_tekun,
        bool_or(in_force and category = 'dibian') as is_dibian,
        -- A resident listed twice is due once.
        max(share_of_amount) filter (where in_force and category = 'dibao') as share_of_amount,
        max(valid_to) filter (where category = 'dibao' and not in_force) as ended_on,
        jsonb_agg(
            jsonb_build_object('system', 'minimum_living', 'stream', 'members', 'record', record_key) order by record_key
        ) as records
    from {{ ref('int_minimum_living_member') }}
    group by resident_key
)

select
    resident_key,
    'P01' as policy_code,
    case
        when is_dibao and (is_tekun or share_of_amount is null) then 'unknown'
        when is_dibao then 'eligible'
        else 'not_eligible'
    end as outcome,
    case
        when is_dibao and is_tekun then 'listed as dibao and as tekun on the day'
        when is_dibao and share_of_amount is null then 'dibao approval in force, its amount cannot be read'
        when is_dibao then 'dibao approval in force'
        when is_tekun then 'tekun support (P03) excludes P01'
        when is_dibian then 'approved as dibian (P02) only'
        when ended_on < {{ as_of() }} then 'dibao approval ended on ' || ended_on
        else 'no dibao approval in force'
    end as reason,
    case
        when is_dibao and is_tekun then array['one category of minimum_living.members']
        when is_dibao and share_of_amount is null then array['approved_amount of minimum_living.members']
        else '{}'::text[]
    end as missing_evidence,
    'minimum_living.members' as rests_on,
    case when is_dibao and not is_tekun then share_of_amount end::numeric(12, 2) as amount_due,
    jsonb_build_object(
        'rules', jsonb_build_array('P01.approval_in_force', 'P01.not_with_P03'), 'records', records
    ) as evidence
from resident
