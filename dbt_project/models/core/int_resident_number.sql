-- The resident behind an identity number, where exactly one has it.
select resident_id, min(resident_key) as resident_key
from {{ ref('dim_resident') }}
where resident_id is not null
group by resident_id
having count(*) = 1
