{{ current_version('smart_community', 'hourly_counts') }}
