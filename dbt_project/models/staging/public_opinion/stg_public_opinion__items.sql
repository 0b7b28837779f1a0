{{ current_version('public_opinion', 'items') }}
