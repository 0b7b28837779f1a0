-- The places of the safety register as each was told last, those that it deleted since among them.
select distinct on (told.record_key) told.record_key, told.premises_code, told.opened_on
from ({{ all_versions('safety_inspection', 'premises') }}) as told
order by told.record_key, told.first_load desc
