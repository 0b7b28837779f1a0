-- Payment orders, with whom resolution says they went to. No name, identity number or account leaves staging here.
with payment as (
    select
        record_key, payment_no, policy_code, {{ canonical_period('period') }} as period, amount, state, paid_on
    from {{ ref('stg_welfare_payment__payments') }}
)

select
    payment.payment_no,
    payment.policy_code,
    member.entity_key as resident_key,
    {{ in_doubt('member', 'review') }} as payee_in_doubt,
    payment.period,
    case
        when payment.period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$' then to_date(payment.period || '-01', 'YYYY-MM-DD')
        when payment.period ~ '^[0-9]{4}$' then to_date(payment.period || '-01-01', 'YYYY-MM-DD')
    end as period_from,
    case
        when payment.period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'
            then (to_date(payment.period || '-01', 'YYYY-MM-DD') + interval '1 month' - interval '1 day')::date
        when payment.period ~ '^[0-9]{4}$' then to_date(payment.period || '-12-31', 'YYYY-MM-DD')
    end as period_to,
    payment.amount,
    payment.state,
    payment.paid_on
from payment
left join {{ source('resolution', 'membership') }} as member
    on member.kind = 'resident' and member.to_run is null and member.system = 'welfare_payment'
    and member.stream = 'payments' and member.record_key = payment.record_key
left join {{ source('resolution', 'open_review') }} as review
    on review.kind = 'resident' and review.system = 'welfare_payment' and review.stream = 'payments'
    and review.record_key = payment.record_key
