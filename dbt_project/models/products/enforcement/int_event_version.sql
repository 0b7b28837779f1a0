-- How far each report had come, version by version, for the channels that close what they take: cameras and drones close
-- nothing.
{%- for system, stream in event_channels() if system not in ('high_altitude_video', 'drone_patrol') %}
select '{{ system }}' as channel, record_key, first_load, {{ event_step_number(event_step('state')) }} as step_number
from ({{ all_versions(system, stream) }}) as {{ system }}_told
{{ 'union all' if not loop.last }}
{%- endfor %}
