{{ current_version('city_brain', 'indicators') }}
