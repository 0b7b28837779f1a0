-- What the registers of the permanent and of the migrant population said of where a person lives, version by version.
select
    'household_registry' as system, 'residents' as stream, record_key, address, address_code, community_code,
    null::date as stated_from,
    case when state <> 'normal' then {{ local_date('updated_at') }} end as stated_to,
    {{ local_date('updated_at') }} as told_on, first_load, seen_from, seen_to
from ({{ all_versions('household_registry', 'residents') }}) as told
where address is not null
union all
select
    'migrant_registry', 'registrations', record_key, address, null, null,
    registered_on, deregistered_on, {{ local_date('updated_at') }}, first_load, seen_from, seen_to
from ({{ all_versions('migrant_registry', 'registrations') }}) as told
where address is not null
