{{ current_version('children_in_need', 'children') }}
