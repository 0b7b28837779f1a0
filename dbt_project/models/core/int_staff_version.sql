-- What the rosters said of each person, file by file.
select staff_no, name, circle, unit, grid_code, duty, first_load, last_load, seen_from, seen_to
from ({{ all_versions('governance_roster', 'staff') }}) as told
