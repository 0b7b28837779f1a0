-- Who is due what, against who receives it. It proposes; a person decides: nothing here starts or stops a payment.
-- A missing or failed input gives "unknown", never "no"; a known death decides whatever else is missing. Whether somebody
-- lived is asked of the day on which the claim is judged: a death after the cut-off day of a yearly gift takes nothing.
-- A death or a removal that may be a namesake's (dim_resident says which) decides nothing: it is "unknown" until a steward
-- has said whose it is.
-- A "no" rests on what a register says of the resident, or on its silence. Where rows of that register wait in
-- quarantine it may be wrong, so it is "unknown" when a waiting row is another version of a record of this resident, and
-- for whoever receives the benefit also when a waiting row may be anybody's: it has no key or its record never landed.
-- Rows that belong to other residents change nothing, and nobody who receives nothing is kept open for a stranger's row;
-- nor is a "no" that stands in the resident's own record of a register which has one record of a person.
-- An order that cannot be read is no payment and no lack of one: whether its payee receives is not known. Orders in
-- quarantine that never landed may be anybody's: who seems to receive nothing is told so, and is not called unclaimed
-- where these orders could be too many of those who do.
with parameter as (
    select
        -- A death or a removal would exclude: without these registers nobody is found eligible.
        {{ unusable_inputs([['death_register', 'deaths']]) }} as missing_deaths,
        {{ unusable_inputs([['household_registry', 'residents']]) }} as missing_registration,
        cardinality({{ unusable_inputs([['welfare_payment', 'payments']]) }}) = 0 as payments_usable,
        {{ parameter('product_parameters', 'welfare_match', 'held_orders_share_to') }} as held_orders_share_to,
        (
            select coalesce(sum(held.rows_held), 0)
            from {{ ref('int_welfare_held') }} as held
            where held.input = 'welfare_payment.payments' and held.resident_key is null
        ) as held_orders
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
        ruled.rests_on,
        ruled.amount_due,
        coalesce(ruled.due_on, {{ as_of() }}) as due_on,
        coalesce(ruled.evidence, jsonb_build_object('rules', '[]'::jsonb, 'records', '[]'::jsonb)) as evidence,
        receiving.payments,
        receiving.through_family,
        receiving.is_certain,
        receiving.paid_twice
    from {{ ref('int_welfare_settled') }} as ruled
    full join {{ ref('int_welfare_receiving') }} as receiving
        on receiving.resident_key = ruled.resident_key and receiving.policy_code = ruled.policy_code
),

weighed as (
    select
        considered.*,
        resident.community_code,
        basis.rule_version,
        basis.missing_basis,
        parameter.payments_usable,
        parameter.held_orders,
        parameter.held_orders_share_to,
        considered.outcome in ('eligible', 'candidate') as in_favour,
        parameter.missing_deaths
        || case when basis.needs_registration then parameter.missing_registration else '{}'::text[] end
            as missing_exclusion,
        coalesce(
            resident.is_deceased and coalesce(resident.died_on, considered.due_on) <= considered.due_on
            and (resident.died_on is not null or considered.due_on = {{ as_of() }}),
            false
        ) as deceased,
        -- Dead by now, but nobody knows whether before the day on which the claim is judged.
        coalesce(resident.is_deceased and resident.died_on is null and considered.due_on < {{ as_of() }}, false)
            as death_undated,
        coalesce(resident.may_be_deceased, false) as death_in_doubt,
        resident.moved_out and basis.needs_registration as moved_out,
        coalesce(resident.may_have_moved_out and basis.needs_registration, false) as removal_in_doubt,
        case
            when considered.outcome = 'not_eligible' then coalesce(considered.rests_on, basis.rests_on)
            when resident.moved_out and basis.needs_registration and considered.outcome in ('eligible', 'candidate')
                then 'household_registry.residents'
        end as no_rests_on,
        exists(
            select 1
            from jsonb_array_elements(considered.evidence -> 'records') as record (told)
            where record.told ->> 'system' || '.' || (record.told ->> 'stream') = considered.rests_on
                and considered.rests_on in (
                    'children_in_need.children', 'disability_certificate.certificates', 'elderly_service.elders',
                    'household_registry.residents', 'minimum_living.members', 'pension.pensioners'
                )
        ) as no_stands_in_record
    from considered
    cross join parameter
    inner join {{ ref('int_welfare_basis') }} as basis on basis.policy_code = considered.policy_code
    inner join {{ ref('dim_resident') }} as resident on resident.resident_key = considered.resident_key
),

-- Here and below `offset 0` keeps PostgreSQL from writing an expression wherever its column is used: each is worked out
-- once for a claim.
doubted as (
    select
        weighed.*,
        exists(
            select 1
            from {{ ref('int_welfare_held') }} as held
            where held.input = weighed.no_rests_on
                and (
                    held.resident_key = weighed.resident_key
                    or (held.resident_key is null and weighed.payments is not null and not weighed.no_stands_in_record)
                )
        ) as in_doubt
    from weighed
    offset 0
),

judged as (
    select
        doubted.*,
        case
            when deceased then 'not_eligible'
            when cardinality(missing_basis) > 0 then 'unknown'
            when in_favour and (cardinality(missing_exclusion) > 0 or death_undated or death_in_doubt) then 'unknown'
            when in_doubt then 'unknown'
            when in_favour and moved_out then 'not_eligible'
            when in_favour and removal_in_doubt then 'unknown'
            else outcome
        end as final_outcome,
        case
            when not payments_usable then null
            -- What a family receives is not paid to its dead.
            when through_family and deceased then false
            when payments is null then false
            when is_certain then true
        end as is_paid,
        -- missing_basis may name an exclusion register too: each input once.
        array(
            select distinct missing.input
            from unnest(missing_basis || case when in_favour then missing_exclusion else '{}'::text[] end)
                as missing (input)
            order by missing.input
        ) as missing_inputs
    from doubted
    offset 0
),

unclaimed as (
    select
        judged.*,
        final_outcome = 'eligible' and not is_paid as seems_unclaimed,
        held_orders > held_orders_share_to * count(*) filter (where final_outcome = 'eligible' and not is_paid) over ()
            as held_orders_too_many
    from judged
),

received as (
    select
        unclaimed.*,
        case when not (seems_unclaimed and held_orders_too_many) then is_paid end as receiving
    from unclaimed
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
        when in_favour and moved_out then 'registration moved out of this town'
        else reason
    end || case
        when final_outcome = 'unknown' and in_favour and death_undated then '; died on a day that is not known'
        else ''
    end || case
        when final_outcome = 'unknown' and in_favour and death_in_doubt
            then '; a record of a death may be theirs: a steward is to say whose it is'
        else ''
    end || case
        when final_outcome = 'unknown' and in_favour and removal_in_doubt
            then '; a record of who moved out may be theirs: a steward is to say whose it is'
        else ''
    end || case
        when final_outcome = 'unknown' and in_doubt then '; some rows of ' || no_rests_on || ' wait in quarantine'
        else ''
    end || case
        when seems_unclaimed and held_orders > 0
            then '; payment orders of nobody known wait in quarantine and may be theirs'
        when payments_usable and receiving is null
            then '; whether it is paid is not known: the period of an order cannot be read, a version of it waits in'
                || ' quarantine, or it may be another''s'
        else ''
    end as reason,
    case
        when final_outcome <> 'unknown' then '{}'::text[]
        else missing_evidence || missing_inputs
            || case when in_favour and death_undated then array['day of death'] else '{}'::text[] end
            || case when in_favour and death_in_doubt then array['whose a record of a death is'] else '{}'::text[] end
            || case when in_favour and removal_in_doubt then array['whose a removal is'] else '{}'::text[] end
            || case when in_doubt then array['rows held of ' || no_rests_on] else '{}'::text[] end
    end as missing_evidence,
    receiving,
    case
        when final_outcome in ('unknown', 'candidate') or receiving is null then 'undecided'
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
    ) as evidence,
    due_on
from received
