-- Claims against payment orders, per policy and period, in people, orders and yuan: what is due, what was ordered, paid,
-- is on its way, and came back from the bank; orders that stand twice for one policy, person and period; money paid after
-- the payee's death. Sums without a person in them. What is due is known for today alone, so it is held against the
-- latest period of each policy; earlier ones show their orders and are not compared. Money that is not where it should
-- be is shown and nothing is called back.
with parameter as (
    select
        {{ unusable_inputs([['welfare_payment', 'payments']]) }} as missing_payments,
        {{ unusable_inputs([['death_register', 'deaths'], ['household_registry', 'residents']]) }} as missing_people,
        cardinality({{ unusable_inputs([['payee_account', 'accounts']]) }}) = 0 as accounts_usable
),

with_open_account as (
    select distinct resident_key from {{ ref('dim_payee_account') }} where is_open
),

-- The first order of a policy, person and period that did not come back is the one that counts; any further is twice.
payment_order as (
    select
        payment.policy_code,
        case when payment.period_from is null then 'unreadable' else payment.period end as period,
        payment.period_from,
        payment.resident_key,
        payment.amount,
        payment.state,
        payment.resident_key is not null and payment.state <> 'returned' and row_number() over (
            partition by payment.policy_code, payment.resident_key, payment.period, payment.state = 'returned'
            order by payment.payment_no
        ) > 1 as is_duplicate,
        coalesce(payment.state = 'paid' and payment.paid_on > payee.died_on and payee.died_on <= {{ as_of() }}, false)
            as is_to_the_dead,
        account.resident_key is null as has_no_open_account
    from {{ ref('fct_payment') }} as payment
    left join {{ ref('dim_resident') }} as payee on payee.resident_key = payment.resident_key
    left join with_open_account as account on account.resident_key = payment.resident_key
),

ordered as (
    select
        policy_code,
        period,
        min(period_from) as period_from,
        count(distinct resident_key) as ordered_people,
        count(*) as ordered_orders,
        sum(amount) as ordered_amount,
        count(distinct resident_key) filter (where state = 'paid') as paid_people,
        count(*) filter (where state = 'paid') as paid_orders,
        coalesce(sum(amount) filter (where state = 'paid'), 0) as paid_amount,
        count(*) filter (where state = 'pending') as pending_orders,
        coalesce(sum(amount) filter (where state = 'pending'), 0) as pending_amount,
        count(distinct resident_key) filter (where state = 'returned') as returned_people,
        count(*) filter (where state = 'returned') as returned_orders,
        coalesce(sum(amount) filter (where state = 'returned'), 0) as returned_amount,
        count(*) filter (where state = 'returned' and has_no_open_account) as returned_without_open_account,
        count(*) filter (where resident_key is null) as unplaced_orders,
        count(*) filter (where is_duplicate) as duplicate_orders,
        coalesce(sum(amount) filter (where is_duplicate), 0) as duplicate_amount,
        count(*) filter (where is_to_the_dead) as dead_orders,
        coalesce(sum(amount) filter (where is_to_the_dead), 0) as dead_amount
    from payment_order
    group by policy_code, period
),

-- One payee for a family, one for everybody else.
family as (
    select rule.policy_code, member.resident_key, min(member.family_no) as family_no
    from {{ ref('int_minimum_living_member') }} as member
    inner join {{ ref('policy_rules') }} as rule
        on rule.family_category = member.category and {{ in_force('rule') }}
    where member.in_force
    group by rule.policy_code, member.resident_key
),

due as (
    select
        found.policy_code,
        count(distinct coalesce(family.family_no, found.resident_key)) filter (where found.outcome = 'eligible') as people,
        coalesce(sum(found.amount_due), 0) as amount,
        -- Claims whose amount the office sets case by case: how much is due nobody can say.
        count(*) filter (where found.outcome = 'eligible' and found.amount_due is null) as unpriced_people,
        count(*) filter (where found.outcome in ('unknown', 'candidate')) as open_people,
        count(*) filter (where found.outcome in ('eligible', 'not_eligible')) as decided_people
    from {{ ref('welfare_match') }} as found
    left join family on family.policy_code = found.policy_code and family.resident_key = found.resident_key
    group by found.policy_code
),

-- A policy that nobody was ever paid has a row too.
line as (
    select
        rule.policy_code,
        coalesce(ordered.period, to_char({{ as_of() }}, 'YYYY')) as period,
        rule.amounts_per_order,
        coalesce(
            ordered.policy_code is null
            or row_number() over (
                partition by rule.policy_code
                -- A year and its first month begin on one day: the year counts.
                order by
                    ordered.period_from <= {{ as_of() }} desc nulls last, ordered.period_from desc nulls last,
                    ordered.period
            ) = 1,
            false
        ) as is_current,
        ordered.policy_code is not null as has_orders,
        ordered.ordered_people,
        ordered.ordered_orders,
        ordered.ordered_amount,
        ordered.paid_people,
        ordered.paid_orders,
        ordered.paid_amount,
        ordered.pending_orders,
        ordered.pending_amount,
        ordered.returned_people,
        ordered.returned_orders,
        ordered.returned_amount,
        ordered.returned_without_open_account,
        ordered.unplaced_orders,
        ordered.duplicate_orders,
        ordered.duplicate_amount,
        ordered.dead_orders,
        ordered.dead_amount
    from {{ ref('policy_rules') }} as rule
    left join ordered on ordered.policy_code = rule.policy_code
    where {{ in_force('rule') }}
),

weighed as (
    select
        line.*,
        basis.rule_version,
        parameter.accounts_usable,
        cardinality(parameter.missing_payments) = 0 as payments_usable,
        -- A claim is counted as due when the inputs of its policy can be used and at least one claim could be decided.
        line.is_current and cardinality(basis.missing_basis || parameter.missing_people) = 0
        and (coalesce(due.decided_people, 0) > 0 or coalesce(due.open_people, 0) = 0) as due_known,
        coalesce(due.people, 0) as people,
        coalesce(due.amount, 0) * line.amounts_per_order as amount,
        coalesce(due.open_people, 0) as open_people,
        coalesce(due.unpriced_people, 0) > 0 as is_unpriced,
        array(
            select distinct missing.input
            from unnest(
                parameter.missing_payments
                || case when line.is_current then basis.missing_basis || parameter.missing_people else '{}'::text[] end
                || case
                    when line.is_current and due.unpriced_people > 0 then array['amount of the claims']
                    else '{}'::text[]
                end
                || case
                    when line.is_current and due.open_people > 0
                        and (
                            due.decided_people = 0
                            -- The orders beyond what is due may be those of the claims that are open: one for each
                            -- person, and more yuan than are due.
                            or line.ordered_people > due.people
                            and line.ordered_people <= due.people + due.open_people
                            and line.ordered_orders = line.ordered_people
                            and line.ordered_amount > due.amount * line.amounts_per_order
                        )
                        and cardinality(parameter.missing_payments) = 0
                        and cardinality(basis.missing_basis || parameter.missing_people) = 0
                        then array['evidence of the claims']
                    else '{}'::text[]
                end
            ) as missing (input)
            order by missing.input
        ) as missing_inputs
    from line
    cross join parameter
    inner join {{ ref('int_welfare_basis') }} as basis on basis.policy_code = line.policy_code
    left join due on due.policy_code = line.policy_code
),

{% set counted = [
    'ordered_people', 'ordered_orders', 'ordered_amount', 'paid_people', 'paid_orders', 'paid_amount', 'pending_orders',
    'pending_amount', 'returned_people', 'returned_orders', 'returned_amount', 'returned_without_open_account',
    'unplaced_orders', 'duplicate_orders', 'duplicate_amount', 'dead_orders', 'dead_amount',
] -%}
shown as (
    select
        policy_code,
        period,
        is_current,
        rule_version,
        missing_inputs,
        accounts_usable,
        case when due_known then people end as due_people,
        case when due_known and not is_unpriced then amount end as due_amount,
        case when is_current then open_people end as open_people,
        {% for column in counted -%}
        case when payments_usable then coalesce({{ column }}, 0) end as {{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from weighed
)

select
    policy_code,
    period,
    is_current,
    case
        when cardinality(missing_inputs) > 0 then 'unknown'
        when not is_current then 'not_compared'
        when due_people = ordered_people and due_people = ordered_orders and due_amount = ordered_amount then 'agrees'
        else 'differs'
    end as state,
    missing_inputs,
    due_people,
    due_amount::numeric(14, 2) as due_amount,
    open_people,
    ordered_people,
    ordered_orders,
    ordered_amount::numeric(14, 2) as ordered_amount,
    paid_people,
    paid_orders,
    paid_amount::numeric(14, 2) as paid_amount,
    pending_orders,
    pending_amount::numeric(14, 2) as pending_amount,
    returned_people,
    returned_orders,
    returned_amount::numeric(14, 2) as returned_amount,
    case when accounts_usable then returned_without_open_account end as returned_without_open_account,
    unplaced_orders,
    duplicate_orders,
    duplicate_amount::numeric(14, 2) as duplicate_amount,
    dead_orders,
    dead_amount::numeric(14, 2) as dead_amount,
    ordered_people - due_people as difference_people,
    (ordered_amount - due_amount)::numeric(14, 2) as difference_amount,
    rule_version
from shown
