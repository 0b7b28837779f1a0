-- Festival gift for retired employees (P10): retired and managed here on the year's last cut-off day, and alive on it;
-- who died or moved since was due all the same. The register tells the state of today: of somebody who left it after
-- the cut-off day nobody can say whether the state was different on that day.
with parameter as (
    select
        make_date(
            extract(year from {{ as_of() }})::integer,
            {{ parameter('policy_parameters', 'P10', 'cut_off_month') }}::integer,
            {{ parameter('policy_parameters', 'P10', 'cut_off_day') }}::integer
        ) as this_year,
        {{ parameter('policy_parameters', 'P10', 'amount') }} as amount
),

retired as (
    select
        link.entity_key as resident_key,
        person.record_key,
        {{ by_name('link') }} as by_name,
        person.retired_on,
        person.state,
        {{ local_date('person.updated_at') }} as changed_on,
        case when parameter.this_year <= {{ as_of() }} then parameter.this_year
            else (parameter.this_year - interval '1 year')::date end as cut_off,
        parameter.amount
    from {{ ref('stg_pension__pensioners') }} as person
    inner join {{ source('resolution', 'membership') }} as link
        on link.kind = 'resident' and link.to_run is null and link.system = 'pension'
        and link.stream = 'pensioners' and link.record_key = person.record_key
    cross join parameter
),

judged as (
    select
        retired.*,
        case
            when retired_on > cut_off then 'later'
            when state = 'active' then 'managed'
            when state = 'suspended' then 'suspended'
            when changed_on > cut_off then 'left_since'
            else 'gone'
        end as finding
    from retired
)

-- Two pensions make one gift: the record that speaks most for it counts.
select distinct on (resident_key)
    resident_key,
    'P10' as policy_code,
    case finding
        when 'managed' then 'eligible'
        when 'suspended' then 'candidate'
        when 'left_since' then 'unknown'
        else 'not_eligible'
    end as outcome,
    case finding
        when 'managed' then 'retired and managed here on ' || cut_off
        when 'suspended' then 'pension suspended; to be asked'
        when 'left_since' then 'no longer managed here; what held on ' || cut_off || ' is not told'
        when 'later' then 'retired after ' || cut_off
        else 'not managed here on ' || cut_off
    end as reason,
    case when finding = 'left_since' then array['state of pension.pensioners on ' || cut_off] else '{}'::text[]
    end as missing_evidence,
    'pension.pensioners' as rests_on,
    case when finding = 'managed' then amount end::numeric(12, 2) as amount_due,
    by_name,
    cut_off as due_on,
    jsonb_build_object(
        'rules', jsonb_build_array('P10.retired', 'P10.managed_here', 'P10.once_per_person'),
        'records', jsonb_build_array(
            jsonb_build_object('system', 'pension', 'stream', 'pensioners', 'record', record_key)
        )
    ) as evidence
from judged
order by
    resident_key,
    array_position(array['managed', 'left_since', 'suspended', 'gone', 'later'], finding),
    by_name,
    record_key
