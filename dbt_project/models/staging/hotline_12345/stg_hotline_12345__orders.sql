{{ current_version('hotline_12345', 'orders') }}
