-- Rows of the registers behind the policies, and payment orders, that wait in quarantine, by whose record they are: of a
-- resident when another version of the record is linked to them, of nobody known (null) when the row has no key or its
-- record never landed. What the rows say is not read: they may say anything. The registers stand here by name besides,
-- because a key of a register is as protected as the register: the purpose check must see which ones are read.
select
    held.input,
    link.entity_key as resident_key,
    count(*) as rows_held
from {{ held_rows(welfare_registers()) }} as held
left join {{ source('resolution', 'membership') }} as link
    on link.kind = 'resident' and link.to_run is null and link.system = held.system
    and link.stream = held.stream and link.record_key = held.record_key
where held.input = 'welfare_payment.payments' or held.input in (
    select needed.system || '.' || needed.stream
    from {{ ref('policy_inputs') }} as needed
    where {{ in_force('needed') }}
)
group by held.input, link.entity_key
