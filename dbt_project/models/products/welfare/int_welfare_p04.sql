-- Relief in an emergency (P04): an event, its cost and the income of the household, none of which any register tells.
-- Looked at is whoever receives it; whether rightly, this town's data cannot say.
select
    receiving.resident_key,
    'P04' as policy_code,
    'unknown' as outcome,
    'no register tells of the event, its cost or the income of the household' as reason,
    array['event and its cost', 'income of the household'] as missing_evidence,
    'minimum_living.members' as rests_on,
    null::numeric(12, 2) as amount_due,
    jsonb_build_object('rules', jsonb_build_array('P04.event'), 'records', '[]'::jsonb) as evidence
from {{ ref('int_welfare_receiving') }} as receiving
where receiving.policy_code = 'P04'
