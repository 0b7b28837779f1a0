-- Licences and certificates that were given, those that ran out or were replaced among them: whoever stands at the
-- counter must be told so. The library itself leaves them valid. Found by the number that the holder shows; who the
-- holder is elsewhere in the town is not asked here.
with certificate as (
    select
        *,
        case when extract(year from valid_to) < 9999 then valid_to end as last_day,
        row_number() over (
            partition by kind, coalesce(resident_id, credit_code)
            order by issued_on desc nulls last, certificate_id desc
        ) as newness
    from {{ ref('stg_certificate_library__certificates') }}
    where {{ is_changed('certificates', 'dim_certificate', 'certificate_id') }}
)

select
    certificate_id,
    kind,
    certificate_no,
    holder_kind,
    holder_name,
    resident_id,
    credit_code,
    issuer,
    issued_on,
    last_day as valid_to,
    case
        when state = 'cancelled' then 'cancelled'
        when state = 'replaced' or (coalesce(resident_id, credit_code) is not null and newness > 1) then 'replaced'
        when valid_to is null then 'unknown'
        when last_day < {{ as_of() }} then 'expired'
        else 'valid'
    end as state,
    case when valid_to is not null then coalesce(last_day < {{ as_of() }}, false) end as is_expired,
    state as stated_state
from certificate
