{{ current_version('pension', 'pensioners') }}
