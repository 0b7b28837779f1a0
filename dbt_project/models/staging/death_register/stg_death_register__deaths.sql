{{ current_version('death_register', 'deaths') }}
