-- The running leases by how soon they end. An end in the year 9999 is no end agreed; one that nobody wrote down, or a
-- register that cannot be read, is unknown: neither means that there is time.
with parameter as (
    select
        {{ parameter('product_parameters', 'lease_expiry', 'urgent_within') }} as urgent_within,
        {{ parameter('product_parameters', 'lease_expiry', 'soon_within') }} as soon_within,
        {{ parameter('product_parameters', 'lease_expiry', 'early_within') }} as early_within,
        {{ parameter_version('product_parameters', 'lease_expiry') }} as parameter_version,
        {{ unusable_inputs([['lease_register', 'leases']]) }} as unknown_inputs
),

judged as (
    select
        lease.*,
        parameter.parameter_version,
        parameter.unknown_inputs,
        case
            when cardinality(parameter.unknown_inputs) > 0 then 'unknown'
            when lease.term = 'open_ended' then 'open_ended'
            when lease.days_left is null then 'unknown'
            when lease.days_left < 0 then 'lapsed'
            when lease.days_left <= parameter.urgent_within then 'urgent'
            when lease.days_left <= parameter.soon_within then 'soon'
            when lease.days_left <= parameter.early_within then 'early'
            else 'none'
        end as warning_level
    from {{ ref('dim_lease') }} as lease
    cross join parameter
    where lease.state = 'running'
)

select
    lease_no,
    enterprise_key,
    building_code,
    building_name,
    room,
    area_sqm,
    starts_on,
    ends_on,
    term,
    days_left,
    warning_level,
    case
        when cardinality(unknown_inputs) > 0
            then 'unknown: cannot be judged without ' || array_to_string(unknown_inputs, ', ')
        when warning_level = 'open_ended' then 'open_ended: no end was agreed'
        when warning_level = 'unknown' then 'unknown: the register states no end'
        when warning_level = 'lapsed' then 'lapsed: ended ' || -days_left || ' days ago, and the register says it runs'
        else warning_level || ': ends in ' || days_left || ' days'
    end as reason,
    unknown_inputs,
    parameter_version
from judged
