{{ current_version('resident_mailbox', 'letters') }}
