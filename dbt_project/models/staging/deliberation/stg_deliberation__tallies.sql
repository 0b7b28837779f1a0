{{ current_version('deliberation', 'tallies') }}
