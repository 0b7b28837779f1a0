{{ current_version('pension', 'illnesses') }}
