{{ current_version('city_management', 'cases') }}
