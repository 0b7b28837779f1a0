{{ current_version('enterprise_demand', 'demands') }}
