-- What the minimum-living register said of each member, version by version.
select record_key, family_no, member_no, category, approved_amount, valid_from, valid_to, first_load, seen_to
from ({{ all_versions('minimum_living', 'members') }}) as told
