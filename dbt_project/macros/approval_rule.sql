{#
  The rule of a policy that rests on an approval of the minimum-living register: approved in this category on the day.
  The approval itself is the evidence; income and assets were weighed by the office that gave it. An approval that ended
  lately, or vanished from the register, is no "no": need does not end with a date or a line of a list, so the family is
  asked. Looked at is whoever has a record of the category.
  contradiction: a category that cannot be in force beside this one; both at once is for a person to settle.
  amount: SQL of what a member is due, from the columns of int_minimum_living_member.
#}
{% macro approval_rule(policy_code, category, amount, contradiction=none) -%}
with resident as (
    select
        resident_key,
        {{ approved_by_name() }} as by_name,
        bool_or(in_force and category = '{{ category }}') as is_listed,
        {{ "bool_or(in_force and category = '" ~ contradiction ~ "')" if contradiction else 'false' }} as is_contradicted,
        min(category) filter (where in_force and category <> '{{ category }}') as other_category,
        -- A resident listed twice is due once.
        max({{ amount }}) filter (where in_force and category = '{{ category }}')::numeric(12, 2) as amount,
        max(valid_to) filter (where category = '{{ category }}' and not in_force and valid_to < {{ as_of() }}) as ended_on,
        (array_agg(withdrawn_on order by valid_to desc, withdrawn_on desc nulls last) filter (
            where category = '{{ category }}' and not in_force and valid_to < {{ as_of() }}
        ))[1] as withdrawn_on,
        jsonb_agg(
            jsonb_build_object('system', 'minimum_living', 'stream', 'members', 'record', record_key) order by record_key
        ) as records
    from {{ ref('int_minimum_living_member') }}
    group by resident_key
    having bool_or(category = '{{ category }}')
),

judged as (
    select
        resident.*,
        coalesce('vanished from the register on ' || withdrawn_on, 'ended on ' || ended_on) as how_it_ended,
        case
            when is_listed and is_contradicted then 'contradicted'
            when is_listed and amount is null then 'amount_unread'
            when is_listed then 'listed'
            when other_category is not null then 'other'
            when ended_on >= {{ as_of() }} - {{ parameter('policy_parameters', policy_code, 'contact_days') }}::integer then 'lapsed'
            when ended_on is not null then 'ended'
            else 'not_begun'
        end as finding
    from resident
)

select
    resident_key,
    '{{ policy_code }}' as policy_code,
    case finding
        when 'contradicted' then 'unknown'
        when 'amount_unread' then 'unknown'
        when 'listed' then 'eligible'
        when 'lapsed' then 'candidate'
        else 'not_eligible'
    end as outcome,
    case finding
        when 'contradicted' then 'listed as {{ category }} and as {{ contradiction }} on the day'
        when 'amount_unread' then '{{ category }} approval in force, its amount cannot be read'
        when 'listed' then '{{ category }} approval in force'
        when 'other' then 'approved as ' || other_category || ' and not as {{ category }}'
        when 'lapsed' then '{{ category }} approval ' || how_it_ended || '; whether the need ended is to be asked'
        when 'ended' then '{{ category }} approval ' || how_it_ended
        else '{{ category }} approval is not in force yet'
    end as reason,
    case finding
        when 'contradicted' then array['one category of minimum_living.members']
        when 'amount_unread' then array['approved_amount of minimum_living.members']
        else '{}'::text[]
    end as missing_evidence,
    'minimum_living.members' as rests_on,
    case when finding = 'listed' then amount end::numeric(12, 2) as amount_due,
    by_name,
    jsonb_build_object('rules', jsonb_build_array('{{ policy_code }}.approval_in_force'), 'records', records) as evidence
from judged
{%- endmacro %}
