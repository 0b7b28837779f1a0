{{ current_version('administrative_penalty', 'penalties') }}
