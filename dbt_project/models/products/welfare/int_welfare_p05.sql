-- Medical aid (P05, the town's top-up): a bill of the last weeks of which insurance leaves a part to somebody approved as
-- dibao, dibian or tekun on its day, or so large a part to anybody that it ruins a family. The bills of the approved come
-- from the insurance's own settlement, so that its silence tells: whoever is approved and has no bill is not due. Of
-- others it tells nothing; they are looked at when they ask.
with parameter as (
    select
        {{ parameter('policy_parameters', 'P05', 'deductible') }} as deductible,
        {{ parameter('policy_parameters', 'P05', 'catastrophic') }} as catastrophic,
        {{ parameter('policy_parameters', 'P05', 'bill_days') }}::integer as bill_days
),

bill as (
    select
        link.entity_key as resident_key,
        told.record_key,
        {{ by_name('link') }} as by_name,
        told.happened_on,
        told.cost,
        parameter.deductible,
        parameter.catastrophic,
        (
            select bool_and(coalesce(member.by_name, false))
            from {{ ref('int_minimum_living_member') }} as member
            where member.resident_key = link.entity_key and member.valid_from <= told.happened_on
                and coalesce(member.valid_to, 'infinity'::date) >= told.happened_on
        ) as approved_by_name
    from {{ ref('stg_welfare_payment__applications') }} as told
    cross join parameter
    inner join {{ source('resolution', 'membership') }} as link
        on link.kind = 'resident' and link.to_run is null and link.system = 'welfare_payment'
        and link.stream = 'applications' and link.record_key = told.record_key
    where told.policy_code = 'P05'
        and told.happened_on > {{ as_of() }} - parameter.bill_days and told.happened_on <= {{ as_of() }}
),

judged as (
    select
        bill.*,
        case
            when cost is null then 'untold'
            when cost >= catastrophic then 'ruinous'
            when approved_by_name is not null and cost >= deductible then 'approved'
            when approved_by_name is not null then 'small'
            else 'bearable'
        end as finding
    from bill
),

best as (
    select distinct on (resident_key) *
    from judged
    order by
        resident_key,
        finding in ('ruinous', 'approved') and not by_name and approved_by_name is not true desc,
        array_position(array['ruinous', 'approved', 'untold', 'bearable', 'small'], finding), by_name, record_key
),

person as (
    select
        coalesce(best.resident_key, hardship.resident_key) as resident_key,
        coalesce(best.finding, 'no_bill') as finding,
        case
            when best.finding = 'approved' then best.by_name or best.approved_by_name
            else coalesce(best.by_name, hardship.by_name)
        end as by_name,
        best.happened_on,
        best.deductible,
        best.catastrophic,
        hardship.category,
        coalesce(hardship.records, '[]'::jsonb) || case
            when best.record_key is null then '[]'::jsonb
            else jsonb_build_array(
                jsonb_build_object('system', 'welfare_payment', 'stream', 'applications', 'record', best.record_key)
            )
        end as records
    from best
    full join {{ ref('int_welfare_hardship') }} as hardship on hardship.resident_key = best.resident_key
    where best.resident_key is not null or hardship.category is not null
)

select
    resident_key,
    'P05' as policy_code,
    case
        when finding in ('ruinous', 'approved') then 'eligible'
        when finding = 'untold' then 'unknown'
        else 'not_eligible'
    end as outcome,
    case finding
        when 'ruinous' then 'bill of ' || happened_on || ': at least ' || catastrophic || ' yuan left by insurance'
        when 'approved' then 'bill of ' || happened_on || ' while approved'
        when 'untold' then 'bill of ' || happened_on || ' without its amount'
        when 'small' then 'bill of ' || happened_on || '; insurance left less than ' || deductible || ' yuan'
        when 'bearable' then 'bill of ' || happened_on || '; without an approval P05 needs ' || catastrophic || ' yuan'
        else 'approved as ' || category || '; the settlement tells of no bill lately'
    end as reason,
    case when finding = 'untold' then array['self-paid medical bills'] else '{}'::text[] end as missing_evidence,
    case finding when 'bearable' then 'minimum_living.members' else 'welfare_payment.applications' end as rests_on,
    null::numeric(12, 2) as amount_due,
    by_name,
    jsonb_build_object('rules', jsonb_build_array('P05.status', 'P05.bills'), 'records', records) as evidence
from person
