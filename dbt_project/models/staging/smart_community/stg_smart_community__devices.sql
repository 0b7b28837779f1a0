{{ current_version('smart_community', 'devices') }}
