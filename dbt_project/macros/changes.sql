{#
  Of each model that is built by changes (see by_changes.sql), the keys whose rows may have changed. They read tables by
  their names and not by ref(): among them the model itself as the last build left it, which it must not rest on. What
  they find decides which rows are made anew, never what stands in them.
#}

{# Records of a chain that changed: its system, stream and record_key. #}
{% macro changed_records(chain) -%}
    (select told.system, told.stream, told.record_key from control.changed_record as told where told.chain = '{{ chain }}')
{%- endmacro %}


{# Doors of the address register that changed; the chain of residents follows them. #}
{% macro changed_doors() -%}
    (select told.record_key from {{ changed_records('residents') }} as told where told.system = 'standard_address')
{%- endmacro %}


{# Entities that changed records belong to, or belonged to when the chain was last built: what is and what was have an
   index each. #}
{% macro changed_entities(chain, kind) -%}
    {%- for asked in ('link.to_run is null', 'link.to_run > ' ~ run_before(chain, kind)) %}
    select link.entity_key
    from {{ changed_records(chain) }} as told
    inner join resolution.membership as link
        on link.kind = '{{ kind }}' and link.system = told.system and link.stream = told.stream
        and link.record_key = told.record_key and {{ asked }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{#
  A notice of death that nobody's record stands for counts for the bearer of its number; the bearer of one that waits for a
  steward may be dead, and is so no more when the steward has said whose it is. No record changes with that.
#}
{% macro changes_of_dim_resident() -%}
    {{ changed_entities('residents', 'resident') }}
    union all
    select bearer.resident_key
    from core.dim_resident as bearer
    where bearer.resident_id in (
        select notice.resident_id
        from landing.death_register__deaths as notice
        inner join {{ changed_records('residents') }} as told
            on told.system = 'death_register' and told.stream = 'deaths' and told.record_key = notice.notice_no
        union all
        select notice.resident_id
        from landing.death_register__deaths as notice
        inner join resolution.open_review as review
            on review.kind = 'resident' and review.system = 'death_register' and review.stream = 'deaths'
            and review.record_key = notice.notice_no
    )
    union all
    select bearer.resident_key from core.dim_resident as bearer where bearer.may_be_deceased
    union all
    select link.entity_key
    from {{ at_changed_doors() }} as person
    inner join resolution.membership as link
        on link.kind = 'resident' and link.to_run is null and link.system = person.system
        and link.stream = person.stream and link.record_key = person.record_key
{%- endmacro %}


{# Records of residents that stand at a door of which the register tells otherwise now. #}
{% macro at_changed_doors() -%}
    (
        select 'household_registry' as system, 'residents' as stream, person.record_key
        from staging.stg_household_registry__residents as person
        where person.address_code in {{ changed_doors() }}
    )
{%- endmacro %}


{# A stay that is over has a door too; whose it was may have become another resident since, or nobody. #}
{% macro changes_of_link_resident_address() -%}
    select told.record_key from {{ changed_records('residents') }} as told
    union all
    select stay.record_key
    from core.link_resident_address as stay
    where stay.address_code in {{ changed_doors() }}
    union all
    select past.record_key
    from resolution.entity as ended
    inner join resolution.membership as past on past.kind = 'resident' and past.entity_key = ended.entity_key
    where ended.kind = 'resident' and past.to_run is not null
        and (
            ended.updated_run > {{ run_before('residents', 'resident') }}
            or ended.merged_into in (
                select parted.entity_key
                from resolution.entity as parted
                where parted.kind = 'resident' and parted.updated_run > {{ run_before('residents', 'resident') }}
            )
        )
{%- endmacro %}


{# The households that a changed record of the register was of in any of its versions, and those at a changed door. #}
{% macro changes_of_dim_household() -%}
    select version.household_no
    from landing.household_registry__residents as version
    inner join {{ changed_records('residents') }} as told
        on told.system = 'household_registry' and told.stream = 'residents' and told.record_key = version.person_no
    union all
    select home.household_no
    from core.dim_household as home
    where home.address_code in {{ changed_doors() }}
{%- endmacro %}


{% macro changes_of_fct_event() -%}
    select told.system || ':' || told.record_key from {{ changed_records('events') }} as told
{%- endmacro %}


{% macro changes_of_int_event_history() -%}
    {{ changes_of_fct_event() }}
{%- endmacro %}


{% macro changes_of_int_event_on_map() -%}
    select changed.key from {{ changed_keys('fct_event') }} as changed (key)
{%- endmacro %}


{# Besides: reports of today, and those that one button closed together or did before. #}
{% macro changes_of_int_event_report() -%}
    select changed.key from {{ changed_keys('fct_event') }} as changed (key)
    union all
    select report.event_key
    from core.fct_event as report
    where {{ local_date('report.reported_at') }} > {{ day_before('events') }}
    union all
    select report.event_key from candidate.int_event_report as report where report.bulk_closed
    union all
    select report.event_key
    from core.fct_event as report
    inner join candidate.int_event_bulk as bulk
        on bulk.channel = report.channel and bulk.unit_code = coalesce(report.unit_code, '')
        and bulk.closing = coalesce(report.closed_at, report.updated_at)
{%- endmacro %}


{#
  Besides: incidents that a changed report left, those whose limit ran out since, those of which a version waits or
  waited, and all of them when other channels are unusable than before.
#}
{% macro changes_of_int_event_incident() -%}
    select report.incident_key
    from candidate.int_event_report as report
    where report.event_key in {{ changed_keys('int_event_report') }}
    union all
    select changed.key from {{ changed_keys('int_event_report') }} as changed (key)
    union all
    {{ changed_entities('events', 'event') }}
    union all
    select incident.incident_key
    from candidate.int_event_incident as incident
    where 'held' = any(incident.doubts)
        or not incident.overdue and incident.state in ('received', 'accepted', 'dispatched', 'handled')
            and {{ local_date('incident.due_at') }} < {{ as_of() }}
    union all
    select report.incident_key
    from control.held_rows as waiting
    inner join candidate.int_event_report as report
        on report.event_key = waiting.system || ':' || waiting.record_key and report.stream = waiting.stream
    union all
    select incident.incident_key
    from candidate.int_event_incident as incident
    where (
        select array_agg(distinct told.input order by told.input)
        from candidate.int_event_incident as before
        cross join lateral unnest(before.unknown_inputs) as told (input)
        where before.unknown_inputs <> '{}'
    ) is distinct from (
        select array_agg(input.system || '.' || input.stream order by input.system || '.' || input.stream)
        from core.dim_input as input
        where not coalesce(input.usable, false)
            and (
                input.system = 'grid_map' and input.stream = 'grids'
                or exists(
                    select 1
                    from candidate.int_event_report as report
                    where report.channel = input.system and report.stream = input.stream
                )
            )
    )
{%- endmacro %}


{% macro changes_of_event() -%}
    select changed.key from {{ changed_keys('int_event_incident') }} as changed (key)
{%- endmacro %}


{% macro changes_of_int_door() -%}
    select told.record_key from {{ changed_records('doors') }} as told
{%- endmacro %}


{# Besides: the collections of taxpayers that became another enterprise. #}
{% macro changes_of_fct_tax() -%}
    select told.record_key from {{ changed_records('taxes') }} as told where told.system = 'tax_analysis'
    union all
    select tax.taxpayer_no || '|' || tax.tax_kind || '|' || to_char(tax.period_month, 'YYYY-MM')
    from core.fct_tax as tax
    where tax.taxpayer_no in (
        select told.record_key from {{ changed_records('taxes') }} as told where told.system = 'tax_registry'
    )
{%- endmacro %}


{# All certificates of one kind of a holder one of whose changed or ran out since: which is the newest is asked of them. #}
{% macro changes_of_dim_certificate() -%}
    select told.record_key from {{ changed_records('certificates') }} as told
    union all
    select own.certificate_id
    from staging.stg_certificate_library__certificates as own
    where (own.kind, coalesce(own.resident_id, own.credit_code)) in (
        select version.kind, coalesce(version.resident_id, version.credit_code)
        from landing.certificate_library__certificates as version
        where version.certificate_id in (select told.record_key from {{ changed_records('certificates') }} as told)
        union all
        select known.kind, coalesce(known.resident_id, known.credit_code)
        from core.dim_certificate as known
        where known.valid_to >= {{ day_before('certificates') }} and known.valid_to < {{ as_of() }}
    )
    union all
    select known.certificate_id
    from core.dim_certificate as known
    where known.valid_to >= {{ day_before('certificates') }} and known.valid_to < {{ as_of() }}
{%- endmacro %}
