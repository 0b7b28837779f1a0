-- What the rules say, each by itself, and then of each other: whatever another policy takes the place of is not due, and
-- is unknown as long as that other one is. Once, not in a chain: no policy that is put aside puts another one aside in
-- policy_exclusions, save of two between which the higher amount decides. What rests on a record that is the resident's
-- by its name alone is unknown, too.
{% set policies = ['P01', 'P02', 'P03', 'P04', 'P05', 'P06', 'P07', 'P08', 'P09', 'P10', 'P11', 'P12'] -%}
{#- Judged on a day of their own; the others on the day of the product. -#}
{% set dated = ['P10', 'P11'] -%}
with told as (
    {% for policy in policies -%}
    select
        resident_key, policy_code, {{ 'variant' if policy == 'P12' else 'null::text' }} as variant, outcome, reason,
        missing_evidence, rests_on, amount_due, {{ 'due_on' if policy in dated else as_of() }} as due_on, evidence,
        coalesce(by_name, false) as by_name
    from {{ ref('int_welfare_' ~ policy | lower) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

ruled as (
    select
        resident_key, policy_code, variant, rests_on, due_on, evidence,
        case when by_name then 'unknown' else outcome end as outcome,
        case when by_name then reason || '; by the name alone: a steward is to say whose the record is' else reason end
            as reason,
        case when by_name then missing_evidence || array['whose a record is'] else missing_evidence end
            as missing_evidence,
        case when not by_name then amount_due end as amount_due
    from told
),

weighed as (
    select
        ruled.*,
        case when cardinality(basis.missing_basis) > 0 then 'unknown' else ruled.outcome end as usable_outcome
    from ruled
    inner join {{ ref('int_welfare_basis') }} as basis on basis.policy_code = ruled.policy_code
),

put_aside as (
    select distinct on (one.resident_key, one.policy_code)
        one.resident_key,
        one.policy_code,
        other.policy_code as other_policy,
        other.rests_on,
        exclusion.kind,
        other.usable_outcome = 'unknown' as undecided
    from {{ ref('policy_exclusions') }} as exclusion
    inner join weighed as one on one.policy_code = exclusion.policy_code and one.outcome in ('eligible', 'candidate')
    inner join weighed as other on other.policy_code = exclusion.other_policy and other.resident_key = one.resident_key
    where {{ in_force('exclusion') }}
        and coalesce(exclusion.other_variant = other.variant, true)
        and (
            (other.usable_outcome = 'unknown' and one.outcome = 'eligible')
            or (
                other.usable_outcome = 'eligible'
                and (
                    exclusion.kind = 'excluded_by'
                    or other.amount_due > one.amount_due
                    or (other.amount_due = one.amount_due and other.policy_code < one.policy_code)
                )
            )
        )
    order by one.resident_key, one.policy_code, other.usable_outcome = 'unknown', other.policy_code
)

select
    ruled.resident_key,
    ruled.policy_code,
    case
        when put_aside.undecided then 'unknown'
        when put_aside.undecided is not null then 'not_eligible'
        else ruled.outcome
    end as outcome,
    case
        when put_aside.undecided then ruled.reason || '; depends on ' || put_aside.other_policy
        when put_aside.kind = 'higher_of' then ruled.reason || '; ' || put_aside.other_policy || ' is the higher of the two'
        when put_aside.kind is not null then ruled.reason || '; ' || put_aside.other_policy || ' excludes it'
        else ruled.reason
    end as reason,
    ruled.missing_evidence
    || case when put_aside.undecided then array['outcome of ' || put_aside.other_policy] else '{}'::text[] end
        as missing_evidence,
    coalesce(put_aside.rests_on, ruled.rests_on) as rests_on,
    case when put_aside.kind is null then ruled.amount_due end::numeric(12, 2) as amount_due,
    ruled.due_on,
    case
        when put_aside.kind is null then ruled.evidence
        else jsonb_set(
            ruled.evidence, '{rules}',
            ruled.evidence -> 'rules' || to_jsonb(ruled.policy_code || '.' || put_aside.kind || '.' || put_aside.other_policy)
        )
    end as evidence
from ruled
left join put_aside on put_aside.resident_key = ruled.resident_key and put_aside.policy_code = ruled.policy_code
