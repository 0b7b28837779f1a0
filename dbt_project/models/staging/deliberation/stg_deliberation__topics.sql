{{ current_version('deliberation', 'topics') }}
