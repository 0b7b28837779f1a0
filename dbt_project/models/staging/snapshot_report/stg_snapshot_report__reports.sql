{{ current_version('snapshot_report', 'reports') }}
