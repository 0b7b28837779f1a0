{{ current_version('welfare_payment', 'applications') }}
