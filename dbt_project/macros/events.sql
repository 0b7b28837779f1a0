{#
  How far a report has come, in one word for all channels: received, accepted, dispatched, handled, closed; seen, for
  an alarm or finding that somebody looks at and nobody handles there; or how it left: void, returned, rejected,
  false_alarm.
#}
{% macro event_step(state) -%}
    case
        when {{ state }} in ('received', 'raised', 'open') then 'received'
        when {{ state }} in ('assigned', 'dispatched') then 'dispatched'
        when {{ state }} in ('handled', 'mended') then 'handled'
        when {{ state }} in ('closed', 'feedback') then 'closed'
        when {{ state }} in ('pending', 'confirmed') then 'seen'
        else {{ state }}
    end
{%- endmacro %}


{# The place of a step in the way from report to end; null for what is no step of that way. #}
{% macro event_step_number(step) -%}
    array_position(array['received', 'accepted', 'dispatched', 'handled', 'closed'], {{ step }})
{%- endmacro %}


{# The streams whose records are reports of events, as [system, stream]: the channels of fct_event. #}
{% macro event_channels() -%}
    {{ return([
        ['four_platform', 'events'], ['police_110', 'incidents'], ['fire_119', 'incidents'],
        ['snapshot_report', 'reports'], ['hotline_12345', 'orders'], ['city_management', 'cases'],
        ['city_eye', 'alarms'], ['safety_patrol', 'patrols'], ['grid_app', 'reports'],
        ['high_altitude_video', 'alarms'], ['drone_patrol', 'findings']
    ]) }}
{%- endmacro %}


{# A figure, or nothing when an input of it could not be used. Needs `parameter` in the query. #}
{% macro known_figure(figure) -%}
    case when cardinality(parameter.unknown_inputs) = 0 then {{ figure }} end
{%- endmacro %}


{# A median of enough repairs, in hours. Needs `parameter` in the query. #}
{% macro known_median(rows, median) -%}
    case
        when cardinality(parameter.unknown_inputs) = 0 and {{ rows }} >= parameter.median_from
            then round({{ median }}::numeric, 2)
    end::numeric(12, 2)
{%- endmacro %}
