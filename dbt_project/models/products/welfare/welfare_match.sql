-- Who is due what, against who receives it. It proposes; a person decides: nothing here starts or stops a payment.
-- A missing or failed input gives "unknown", never "no"; a known death decides whatever else is missing.
-- A "no" rests on what a register says of the resident, or on its silence. Where rows of that register wait in
-- quarantine it may be wrong, so it is "unknown" when a waiting row is another version of a record of this resident, and
-- for whoever receives the benefit also when a waiting row may be anybody's: it has no key or its record never landed.
-- Rows that belong to other residents change nothing, and nobody who receives nothing is kept open for a stranger's row.
with parameter as (
    select
        {{ unusable_inputs([['minimum_living', 'members']]) }} as missing_p01,
        {{ unusable_inputs([['disability_certificate', 'certificates'], ['minimum_living', 'members']]) }} as missing_p07,
        {{ unusable_inputs([['household_registry', 'residents']]) }} as missing_p08,
        -- A death or a removal would exclude: without these registers nobody is found eligible.
        {{ unusable_inputs([['death_register', 'deaths'], ['household_registry', 'residents']]) }} as missing_exclusion,
        cardinality({{ unusable_inputs([['welfare_payment', 'payments']]) }}) = 0 as payments_usable
),

ruled as (
    select resident_key, policy_code, outcome, reason, missing_evidence, rests_on, amount_due, evidence
    from {{ ref('int_welfare_p01') }}
    union all
    select resident_key, policy_code, outcome, reason, missing_evidence, rests_on, amount_due, evidence
    from {{ ref('int_welfare_p07') }}
    union all
    select resident_key, policy_code, outcome, reason, missing_evidence, rests_on, amount_due, evidence
    from {{ ref('int_welfare_p08') }}
),

-- Whoever has evidence for a policy or receives it. Without a record, the "no" rests on its absence from the register
-- of those entitled.
considered as (
    select
        coalesce(ruled.resident_key, receiving.resident_key) as resident_key,
        coalesce(ruled.policy_code, receiving.policy_code) as policy_code,
        coalesce(ruled.outcome, 'not_eligible') as outcome,
        coalesce(ruled.reason, 'no record that would entitle to ' || receiving.policy_code) as reason,
        coalesce(ruled.missing_evidence, '{}'::text[]) as missing_evidence,
        coalesce(
            ruled.rests_on,
            case receiving.policy_code
                when 'P01' then 'minimum_living.members'
                when 'P07' then 'disability_certificate.certificates'
                when 'P08' then 'household_registry.residents'
            end
        ) as rests_on,
        ruled.amount_due,
        coalesce(ruled.evidence, jsonb_build_object('rules', '[]'::jsonb, 'records', '[]'::jsonb)) as evidence,
        receiving.payments,
        receiving.through_family,
        receiving.paid_twice
    from ruled
    full join {{ ref('int_welfare_receiving') }} as receiving
        on receiving.resident_key = ruled.resident_key and receiving.policy_code = ruled.policy_code
),

weighed as (
    select
        considered.*,
        resident.community_code,
        rule.rule_version,
        parameter.payments_usable,
        parameter.missing_exclusion,
        case considered.policy_code
            when 'P01' then parameter.missing_p01
            when 'P07' then parameter.missing_p07
            when 'P08' then parameter.missing_p08
        end as missing_basis,
        resident.is_deceased and coalesce(resident.died_on, {{ as_of() }}) <= {{ as_of() }} as deceased,
        resident.moved_out,
        case
            when considered.outcome = 'not_eligible' then considered.rests_on
            when considered.outcome = 'eligible' and resident.moved_out then 'household_registry.residents'
        end as no_rests_on
    from considered
    cross join parameter
    inner join {{ ref('policy_rules') }} as rule on rule.policy_code = considered.policy_code and {{ in_force('rule') }}
    inner join {{ ref('dim_resident') }} as resident on resident.resident_key = considered.resident_key
),

doubted as (
    select
        weighed.*,
        exists(
            select 1
            from {{ ref('int_welfare_held') }} as held
            where held.input = weighed.no_rests_on
                and (
                    held.resident_key = weighed.resident_key
                    or (held.resident_key is null and weighed.payments is not null)
                )
        ) as in_doubt
    from weighed
),

judged as (
    select
        doubted.*,
        case
            when deceased then 'not_eligible'
            when cardinality(missing_basis) > 0 then 'unknown'
            when outcome = 'eligible' and cardinality(missing_exclusion) > 0 then 'unknown'
            when in_doubt then 'unknown'
            when outcome = 'eligible' and moved_out then 'not_eligible'
            else outcome
        end as final_outcome,
        -- What a family receives is not paid to its dead.
        case when payments_usable then payments is not null and not (through_family and deceased) end as receiving,
        -- missing_basis may name an exclusion register too: each input once.
        array(
            select distinct missing.input
            from unnest(missing_basis || case when outcome = 'eligible' then missing_exclusion else '{}'::text[] end)
                as missing (input)
            order by missing.input
        ) as missing_inputs
    from doubted
)

select
    resident_key,
    policy_code,
    community_code,
    final_outcome as outcome,
    case
        when deceased then 'deceased'
        when cardinality(missing_inputs) > 0 and outcome <> 'unknown'
            then 'cannot be decided without ' || array_to_string(missing_inputs, ', ')
        when outcome = 'eligible' and moved_out then 'registration moved out of this town'
        else reason
    end || case
        when final_outcome = 'unknown' and in_doubt then '; some rows of ' || no_rests_on || ' wait in quarantine'
        else ''
    end as reason,
    case
        when final_outcome <> 'unknown' then '{}'::text[]
        when in_doubt then missing_evidence || missing_inputs || array['rows held of ' || no_rests_on]
        else missing_evidence || missing_inputs
    end as missing_evidence,
    receiving,
    case
        when final_outcome = 'unknown' or receiving is null then 'undecided'
        when final_outcome = 'eligible' and receiving then 'as_due'
        when final_outcome = 'eligible' then 'unclaimed'
        when receiving then 'receiving_not_found_eligible'
        else 'not_due'
    end as finding,
    case when final_outcome = 'eligible' then amount_due end::numeric(12, 2) as amount_due,
    rule_version,
    case
        when deceased then evidence || jsonb_build_object('rules', jsonb_build_array('all.alive'))
        else evidence
    end || jsonb_build_object(
        'payments', coalesce(to_jsonb(payments), '[]'::jsonb),
        'paid_twice', coalesce(paid_twice, false)
    ) as evidence
from judged
