-- Who receives what at present: an order paid or on its way whose period has begun and has not ended longer ago than the
-- policy's grace. A returned order reached nobody. What is paid to one member for the whole family the others of that
-- family receive too. An order whose period cannot be read may be of the present, a year beyond its day of payment at
-- most; one of which a version waits in quarantine may be paid or not; one that is the payee's by the name alone, or by
-- a number that may be a relative's, may be another's, as may the family of one who is its member by the name alone. They tell of nobody that they receive nothing, and count where no
-- order is certain.
with waiting as (
    select distinct record_key
    from {{ held_rows([['welfare_payment', 'payments']]) }} as held
),

payment as (
    select
        payment.resident_key,
        payment.policy_code,
        payment.period,
        payment.payment_no,
        payment.period_from is not null and waiting.record_key is null and payment.payee_in_doubt is not true
            as is_certain
    from {{ ref('fct_payment') }} as payment
    inner join {{ ref('policy_rules') }} as rule on rule.policy_code = payment.policy_code and {{ in_force('rule') }}
    left join waiting on waiting.record_key = payment.payment_no
    where payment.resident_key is not null
        and (payment.state in ('paid', 'pending') or waiting.record_key is not null)
        and coalesce(payment.period_from <= {{ as_of() }}, true)
        and coalesce(payment.period_to, payment.paid_on + interval '1 year', {{ as_of() }}) >= {{ as_of() }} - rule.grace_days
        and coalesce(payment.paid_on, {{ as_of() }}) <= {{ as_of() }}
),

-- Families of which one member is paid for all.
family_member as (
    select distinct rule.policy_code, member.resident_key, member.family_no, coalesce(member.by_name, false) as by_name
    from {{ ref('int_minimum_living_member') }} as member
    inner join {{ ref('policy_rules') }} as rule
        on rule.family_category = member.category and {{ in_force('rule') }}
    where member.in_force
),

reached as (
    select resident_key, policy_code, false as through_family, is_certain, period, payment_no
    from payment
    union
    select
        other.resident_key, other.policy_code, true, payment.is_certain and not recipient.by_name and not other.by_name,
        payment.period, payment.payment_no
    from payment
    inner join family_member as recipient
        on recipient.resident_key = payment.resident_key and recipient.policy_code = payment.policy_code
    inner join family_member as other
        on other.family_no = recipient.family_no and other.policy_code = recipient.policy_code
        and other.resident_key <> recipient.resident_key
),

-- What is certain comes first, and then what is the resident's own.
ranked as (
    select
        reached.*,
        rank() over (partition by resident_key, policy_code order by is_certain desc, through_family) as place
    from reached
)

select
    resident_key,
    policy_code,
    through_family,
    is_certain,
    is_certain and not through_family and count(*) > count(distinct period) as paid_twice,
    array_agg(payment_no order by payment_no) as payments
from ranked
where place = 1
group by resident_key, policy_code, through_family, is_certain
