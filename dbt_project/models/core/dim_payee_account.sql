-- Accounts of people who are paid a benefit, for paying and for nothing else. Money sent to an account that is not open
-- comes back; a holder's name that is not the resident's is a matter for a person to look at.
select
    account.resident_id,
    account.account_no,
    member.entity_key as resident_key,
    account.bank,
    account.kind,
    account.state,
    account.state = 'normal' as is_open,
    account.name = resident.name as name_agrees,
    account.opened_on,
    account.closed_on,
    account.updated_at
from {{ ref('stg_payee_account__accounts') }} as account
left join {{ source('resolution', 'membership') }} as member
    on member.kind = 'resident' and member.to_run is null and member.system = 'payee_account'
    and member.stream = 'accounts' and member.record_key = account.record_key
left join {{ ref('dim_resident') }} as resident on resident.resident_key = member.entity_key
