-- Rows of the registers behind the policies, and payment orders, that wait in quarantine, by whose record they are: of a
-- resident when another version of the record is linked to them, of nobody known (null) when the row has no key or its
-- record never landed. What the rows say is not read: they may say anything. The registers stand here by name besides,
-- because a key of a register is as protected as the register: the purpose check must see which ones are read.
-- Each row's record is asked for by itself: they are few, and joined to the ledger they are held against all of a register.
with held as (
    select
        waiting.input,
        (
            select link.entity_key
            from {{ source('resolution', 'membership') }} as link
            where link.kind = 'resident' and link.to_run is null
                and (link.system, link.stream) in (
                    {%- for system, stream in welfare_registers() %}
                    ('{{ system }}', '{{ stream }}'){{ ',' if not loop.last }}
                    {%- endfor %}
                )
                and link.system = waiting.system and link.stream = waiting.stream
                and link.record_key = waiting.record_key
        ) as resident_key
    from {{ held_rows(welfare_registers()) }} as waiting
    where waiting.input = 'welfare_payment.payments' or waiting.input in (
        select needed.system || '.' || needed.stream
        from {{ ref('policy_inputs') }} as needed
        where {{ in_force('needed') }}
    )
)

select
    input,
    resident_key,
    count(*) as rows_held
from held
group by input, resident_key
