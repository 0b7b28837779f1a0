-- The certificate that counts for each resident: one in force on the day before any other, one that is surely
-- theirs before one by the name alone, then the latest. Its own
-- number opens with its holder's identity number and stays out; evidence names the stream alone.
with certificate as (
    select
        link.entity_key as resident_key,
        {{ by_name('link') }} as by_name,
        paper.certificate_no,
        paper.class,
        paper.level,
        paper.state,
        paper.valid_to,
        paper.issued_on,
        paper.state = 'valid' and coalesce(paper.valid_to, 'infinity'::date) >= {{ as_of() }}
        and coalesce(paper.issued_on, '-infinity'::date) <= {{ as_of() }} as in_force
    from {{ ref('stg_disability_certificate__certificates') }} as paper
    inner join {{ source('resolution', 'membership') }} as link
        on link.kind = 'resident' and link.to_run is null and link.system = 'disability_certificate'
        and link.stream = 'certificates' and link.record_key = paper.record_key
)

select distinct on (resident_key)
    resident_key,
    class,
    level,
    state,
    valid_to,
    in_force,
    by_name
from certificate
order by resident_key, in_force desc, by_name, issued_on desc nulls last, certificate_no
