{# Every parameter in force on the day carries one version, and there is one: a score names the version it used. #}
{% test one_version_in_force(model) %}
select count(distinct weight.version) as versions
from {{ model }} as weight
where {{ in_force('weight') }}
having count(distinct weight.version) <> 1
{% endtest %}
