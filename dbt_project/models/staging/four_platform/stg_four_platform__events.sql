{{ current_version('four_platform', 'events') }}
