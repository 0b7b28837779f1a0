{{ current_version('minimum_living', 'members') }}
