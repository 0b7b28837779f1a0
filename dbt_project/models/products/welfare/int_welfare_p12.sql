-- Support of orphans and of children whom nobody raises (P12, variant a) or of other children in need (variant b): on the
-- list, served, and under age. The monthly list may not know yet that a child came of age; a birth date that is further
-- off contradicts it, as one under age contradicts a list that stopped the support for age, and a person settles which is
-- right. Without a birth date nobody knows whether a served child is under age. Net of the share of P01 that the rule of
-- the variant takes off.
with parameter as (
    select
        {{ parameter('policy_parameters', 'P12', 'ending_age') }} as ending_age,
        {{ parameter('policy_parameters', 'P12', 'list_lag') }}::integer as list_lag
),

living as (
    select resident_key, max(share_of_amount) as share_of_amount, bool_and(by_name) as by_name
    from {{ ref('int_minimum_living_member') }}
    where category = 'dibao' and in_force
    group by resident_key
),

-- Somebody on the list twice is due once, the fuller variant first.
child as (
    select distinct on (listed.resident_key)
        listed.resident_key,
        listed.child_no,
        case when listed.category in ('orphan', 'unraised') then 'a' else 'b' end as variant,
        listed.category,
        listed.state,
        listed.by_name,
        listed.valid_from,
        (person.birth_date + make_interval(years => parameter.ending_age::integer))::date as of_age_on,
        parameter.list_lag
    from {{ ref('dim_child_in_need') }} as listed
    cross join parameter
    inner join {{ ref('dim_resident') }} as person on person.resident_key = listed.resident_key
    order by listed.resident_key, listed.state = 'served' desc, listed.by_name, variant, listed.child_no
),

judged as (
    select
        child.*,
        net.value > 0 and living.by_name as share_by_name,
        amount.value - net.value * coalesce(living.share_of_amount, 0) as amount,
        case
            when child.state = 'grown' and child.of_age_on > {{ as_of() }} then 'under_age'
            when child.state <> 'served' then child.state
            when child.valid_from > {{ as_of() }} then 'later'
            when child.of_age_on <= {{ as_of() }} - child.list_lag then 'contradicted'
            when child.of_age_on <= {{ as_of() }} then 'grown'
            when amount.value <= net.value * coalesce(living.share_of_amount, 0) then 'covered'
            when child.of_age_on is null then 'undated'
            else 'served'
        end as finding
    from child
    left join living on living.resident_key = child.resident_key
    left join {{ ref('policy_parameters') }} as amount
        on amount.subject = 'P12' and amount.item = 'amount_' || child.variant and {{ in_force('amount') }}
    left join {{ ref('policy_parameters') }} as net
        on net.subject = 'P12' and net.item = 'net_of_p01_' || child.variant and {{ in_force('net') }}
)

select
    resident_key,
    'P12' as policy_code,
    variant,
    case
        when finding = 'served' then 'eligible'
        when finding in ('contradicted', 'under_age', 'undated') then 'unknown'
        else 'not_eligible'
    end as outcome,
    case finding
        when 'served' then 'listed as ' || category || ' (variant ' || variant || ')'
        when 'contradicted' then 'listed as ' || category || ', but of age by the birth date'
        when 'under_age' then 'listed as of age (成年停发), but under age by the birth date'
        when 'undated' then 'listed as ' || category || ', but no birth date is known'
        when 'grown' then 'came of age'
        when 'moved' then 'listed as moved away'
        when 'dead' then 'listed as dead'
        when 'later' then 'recognised from ' || valid_from || ' on'
        else 'P01 gives as much already'
    end as reason,
    case
        when finding in ('contradicted', 'under_age', 'undated') then array['birth date']
        else '{}'::text[]
    end as missing_evidence,
    'children_in_need.children' as rests_on,
    case when finding = 'served' then amount end::numeric(12, 2) as amount_due,
    by_name or (finding in ('served', 'covered') and share_by_name) as by_name,
    jsonb_build_object(
        'rules', jsonb_build_array('P12.listed', 'P12.under_age', 'P12.variant_' || variant),
        'records', jsonb_build_array(
            jsonb_build_object('system', 'children_in_need', 'stream', 'children', 'record', child_no)
        )
    ) as evidence
from judged
