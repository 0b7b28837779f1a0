-- Every register's record of a person in one shape. Payments, accounts and deaths name a person but describe none: they
-- give the identity number and the name only. Ethnic group stays out: no use of this town but the register itself needs it.
select
    'household_registry' as system, 'residents' as stream, record_key, resident_id, name, sex, birth_date, phone,
    address, address_code, community_code, state as registration_state, updated_at
from {{ ref('stg_household_registry__residents') }}
union all
select
    'migrant_registry', 'registrations', record_key, resident_id, name, sex, birth_date, phone,
    address, null, null, null, updated_at
from {{ ref('stg_migrant_registry__registrations') }}
union all
select
    'pension', 'pensioners', record_key, resident_id, name, null, null, phone,
    null, null, community_code, null, updated_at
from {{ ref('stg_pension__pensioners') }}
union all
-- A certificate number opens with the holder's identity number (18 of its 20 characters).
select
    'disability_certificate', 'certificates', record_key, substr(certificate_no, 1, 18), name, null, null, phone,
    address, null, null, null, issued_on::timestamp at time zone 'Asia/Shanghai'
from {{ ref('stg_disability_certificate__certificates') }}
union all
select
    'minimum_living', 'members', record_key, resident_id, name, null, null, null,
    null, null, null, null, updated_at
from {{ ref('stg_minimum_living__members') }}
union all
select
    'welfare_payment', 'payments', record_key, resident_id, name, null, null, null,
    null, null, null, null, updated_at
from {{ ref('stg_welfare_payment__payments') }}
union all
select
    'welfare_payment', 'applications', record_key, resident_id, name, null, null, null,
    null, null, null, null, updated_at
from {{ ref('stg_welfare_payment__applications') }}
union all
select
    'elderly_service', 'elders', record_key, resident_id, name, null, null, phone,
    address, null, community_code, null, null
from {{ ref('stg_elderly_service__elders') }}
union all
-- A guardian's telephone is not the child's.
select
    'children_in_need', 'children', record_key, resident_id, name, null, null, null,
    null, null, null, null, null
from {{ ref('stg_children_in_need__children') }}
union all
select
    'payee_account', 'accounts', record_key, resident_id, name, null, null, null,
    null, null, null, null, updated_at
from {{ ref('stg_payee_account__accounts') }}
