{{ current_version('payee_account', 'accounts') }}
