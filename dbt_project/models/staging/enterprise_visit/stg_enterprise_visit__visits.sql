{{ current_version('enterprise_visit', 'visits') }}
