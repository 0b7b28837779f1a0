-- Collections per taxpayer, kind of tax and month, yuan. Negative amounts are refunds and corrections.
-- The number is the tax register's own, so the register's taxpayer says which enterprise it is.
select
    collection.taxpayer_no,
    collection.tax_kind,
    to_date(collection.period || '-01', 'YYYY-MM-DD') as period_month,
    member.entity_key as enterprise_key,
    collection.amount,
    collection.paid_on
from {{ ref('stg_tax_analysis__collections') }} as collection
left join {{ source('resolution', 'membership') }} as member
    on member.kind = 'enterprise' and member.to_run is null and member.system = 'tax_registry'
    and member.stream = 'taxpayers' and member.record_key = collection.taxpayer_no
where {{ is_changed('taxes', 'fct_tax', 'collection.record_key') }}
