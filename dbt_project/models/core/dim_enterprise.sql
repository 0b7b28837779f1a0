-- One row per enterprise that a register of enterprises knows. The market register speaks first, the tax register second.
-- Place codes of the safety office came for the safety of premises and say nothing here.
with stated as (
    select
        'market_registration' as system, 'enterprises' as stream, record_key, 1 as source_rank, updated_at,
        credit_code, null::text as taxpayer_no, name, kind, industry, state, address, registered_on, closed_on
    from {{ ref('stg_market_registration__enterprises') }}
    union all
    select
        'tax_registry', 'taxpayers', record_key, 2, updated_at,
        case when length(taxpayer_no) = 18 then taxpayer_no end, taxpayer_no, name, null, null, null, address,
        registered_on, null
    from {{ ref('stg_tax_registry__taxpayers') }}
),

record as (
    select member.entity_key, stated.*, {{ source_record('stated') }}
    from stated
    inner join {{ source('resolution', 'membership') }} as member
        on member.kind = 'enterprise' and member.to_run is null and member.system = stated.system
        and member.stream = stated.stream and member.record_key = stated.record_key
),

golden as (
    select
        entity_key,
        {{ golden('credit_code') }},
        {{ golden('taxpayer_no') }},
        {{ golden('name') }},
        {{ golden('kind') }},
        {{ golden('industry') }},
        {{ golden('state') }},
        {{ golden('address') }},
        {{ golden('registered_on') }},
        {{ golden('closed_on') }},
        count(*) as record_count
    from record
    group by entity_key
)

select
    entity.entity_key as enterprise_key,
    golden.credit_code,
    {{ system_of('golden.credit_code_record') }} as credit_code_source,
    golden.credit_code_record,
    golden.taxpayer_no,
    golden.taxpayer_no_record,
    golden.name,
    {{ system_of('golden.name_record') }} as name_source,
    golden.name_record,
    golden.kind,
    golden.kind_record,
    golden.industry,
    golden.industry_record,
    coalesce(golden.state, 'unknown') as state,
    golden.state_record,
    golden.address,
    {{ system_of('golden.address_record') }} as address_source,
    golden.address_record,
    golden.registered_on,
    golden.registered_on_record,
    golden.closed_on,
    golden.closed_on_record,
    golden.record_count::integer as record_count
from golden
inner join {{ source('resolution', 'entity') }} as entity
    on entity.entity_key = golden.entity_key and entity.kind = 'enterprise' and entity.status = 'active'
