{{ current_version('welfare_payment', 'payments') }}
