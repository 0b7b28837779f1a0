-- Medical aid (P05, the town's top-up): bills that insurance leaves to people in hardship. No register tells of bills, so
-- whoever has the status is a candidate: to be told that bills can be brought. Whoever receives it without the status may
-- have it by the size of the bills, which nobody can see here.
with person as (
    select
        coalesce(hardship.resident_key, receiving.resident_key) as resident_key,
        hardship.category,
        coalesce(hardship.records, '[]'::jsonb) as records
    from {{ ref('int_welfare_hardship') }} as hardship
    full join (select resident_key from {{ ref('int_welfare_receiving') }} where policy_code = 'P05') as receiving
        on receiving.resident_key = hardship.resident_key
    where hardship.category is not null or receiving.resident_key is not null
)

select
    resident_key,
    'P05' as policy_code,
    case when category is not null then 'candidate' else 'unknown' end as outcome,
    case
        when category is not null then 'approved as ' || category || '; bills are to be asked for'
        else 'no approval as dibao, dibian or tekun in force; a status by the size of the bills is in no register'
    end as reason,
    case when category is not null then '{}'::text[] else array['self-paid medical bills'] end as missing_evidence,
    'minimum_living.members' as rests_on,
    null::numeric(12, 2) as amount_due,
    jsonb_build_object('rules', jsonb_build_array('P05.status', 'P05.bills'), 'records', records) as evidence
from person
