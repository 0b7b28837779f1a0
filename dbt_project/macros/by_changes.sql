{#
  Tables of which a build makes anew only the rows that changed. A model of this kind names in its meta.by_changes the
  chain that it is of and the SQL of its key as one text; the macro changes_of_<model> gives the keys whose rows may
  differ from those of the last build. Too many of them cost time, one too few makes the table wrong: see
  orchestration/increments.py for what else makes a whole chain anew. The rows of those keys are deleted and what the
  model says of them now is put in their place, in one transaction.
#}
{% macro by_changes(chain) -%}
    {{ return(chain in var('by_changes', [])) }}
{%- endmacro %}


{# Whether a row is to be made: one whose key changed, or any when the chain is built from everything. #}
{% macro is_changed(chain, model, key) -%}
    {%- if by_changes(chain) -%}
        {{ key }} in (select changed.key from {{ source('control', 'changed_key') }} as changed where changed.model = '{{ model }}')
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{# The keys of another model of the chain that changed in this build. #}
{% macro changed_keys(model) -%}
    (select changed.key from control.changed_key as changed where changed.model = '{{ model }}')
{%- endmacro %}


{# The last run of resolution that the chain was built with, of a kind of entity. #}
{% macro run_before(chain, kind) -%}
    (select coalesce((said.runs ->> '{{ kind }}')::bigint, 0) from control.build_state as said where said.chain = '{{ chain }}')
{%- endmacro %}


{# The day that the chain was last built for. #}
{% macro day_before(chain) -%}
    (select said.as_of from control.build_state as said where said.chain = '{{ chain }}')
{%- endmacro %}


{% materialization by_changes, adapter='postgres' -%}
    {%- set how = config.get('meta')['by_changes'] -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- if by_changes(how['chain']) -%}
        {%- do remade_in_part(target, sql, how['key']) -%}
    {%- else -%}
        {%- do remade(target, sql) -%}
    {%- endif -%}
    {{ return({'relations': [target]}) }}
{%- endmaterialization %}


{% macro remade_in_part(target, sql, key) -%}
    {% call statement('gone') -%}
        delete from control.changed_key where model = '{{ model.name }}';
        insert into control.changed_key (model, key)
        select distinct '{{ model.name }}', changed.key
        from ({{ context['changes_of_' ~ model.name]() }}) as changed (key)
        where changed.key is not null;
        delete from {{ target }} where {{ key }} in {{ changed_keys(model.name) }};
    {%- endcall %}
    {%- set columns = column_names() %}
    {% call statement('main') -%}
        insert into {{ target }} ({{ columns }})
        select {{ columns }} from ({{ sql }}) as made
    {%- endcall %}
    {%- do adapter.commit() -%}
{%- endmacro %}
