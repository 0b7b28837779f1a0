-- Each policy in force on the day, with what it rests on that cannot be used.
with missing as (
    select
        needed.policy_code,
        array_agg(needed.system || '.' || needed.stream order by needed.system, needed.stream) as inputs
    from {{ ref('policy_inputs') }} as needed
    left join {{ ref('dim_input') }} as input on input.system = needed.system and input.stream = needed.stream
    where {{ in_force('needed') }} and not coalesce(input.usable, false)
    group by needed.policy_code
)

select
    rule.policy_code,
    rule.rule_version,
    rule.rests_on,
    rule.needs_registration,
    coalesce(missing.inputs, '{}'::text[]) as missing_basis
from {{ ref('policy_rules') }} as rule
left join missing on missing.policy_code = rule.policy_code
where {{ in_force('rule') }}
