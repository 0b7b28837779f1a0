-- Who receives what at present: an order paid or on its way whose period has begun and has not ended longer ago than the
-- policy's grace. A returned order reached nobody. What is paid to one member for the whole family the others of that
-- family receive too.
with payment as (
    select
        payment.resident_key,
        payment.policy_code,
        payment.period,
        payment.payment_no
    from {{ ref('fct_payment') }} as payment
    inner join {{ ref('policy_rules') }} as rule on rule.policy_code = payment.policy_code and {{ in_force('rule') }}
    where payment.resident_key is not null
        and payment.state in ('paid', 'pending')
        and payment.period_from <= {{ as_of() }}
        and payment.period_to >= {{ as_of() }} - rule.grace_days
        and coalesce(payment.paid_on, {{ as_of() }}) <= {{ as_of() }}
),

payee as (
    select
        payment.resident_key,
        payment.policy_code,
        count(*) > count(distinct payment.period) as paid_twice,
        array_agg(payment.payment_no order by payment.payment_no) as payments
    from payment
    group by payment.resident_key, payment.policy_code
),

-- Families of which one member is paid for all.
family_member as (
    select distinct rule.policy_code, member.resident_key, member.family_no
    from {{ ref('int_minimum_living_member') }} as member
    inner join {{ ref('policy_rules') }} as rule
        on rule.family_category = member.category and {{ in_force('rule') }}
    where member.in_force
),

through_family as (
    select
        other.resident_key,
        other.policy_code,
        array_agg(distinct payment.payment_no order by payment.payment_no) as payments
    from payment
    inner join family_member as recipient
        on recipient.resident_key = payment.resident_key and recipient.policy_code = payment.policy_code
    inner join family_member as other
        on other.family_no = recipient.family_no and other.policy_code = recipient.policy_code
    left join payee on payee.resident_key = other.resident_key and payee.policy_code = other.policy_code
    where payee.resident_key is null
    group by other.resident_key, other.policy_code
)

select resident_key, policy_code, false as through_family, paid_twice, payments from payee
union all
select resident_key, policy_code, true, false, payments from through_family
