{# No row leaves one of these columns open. #}
{% test complete(model, columns) %}
select *
from {{ model }}
where {{ columns | join(' is null or ') }} is null
{% endtest %}
