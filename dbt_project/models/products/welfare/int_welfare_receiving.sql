-- Who receives what at present: an order paid or on its way whose period has begun and has not ended longer ago than the
-- policy's grace. A returned order reached nobody. Minimum living security is paid to one member for the whole family,
-- so the others of that family receive it too.
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

family_member as (
    select distinct resident_key, family_no
    from {{ ref('int_minimum_living_member') }}
    where category = 'dibao' and in_force
),

through_family as (
    select other.resident_key, array_agg(distinct payment.payment_no order by payment.payment_no) as payments
    from payment
    inner join family_member as recipient on recipient.resident_key = payment.resident_key
    inner join family_member as other on other.family_no = recipient.family_no
    left join payee on payee.resident_key = other.resident_key and payee.policy_code = 'P01'
    where payment.policy_code = 'P01' and payee.resident_key is null
    group by other.resident_key
)

select resident_key, policy_code, false as through_family, paid_twice, payments from payee
union all
select resident_key, 'P01', true, false, payments from through_family
