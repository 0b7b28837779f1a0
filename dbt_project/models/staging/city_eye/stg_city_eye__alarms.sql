{{ current_version('city_eye', 'alarms') }}
