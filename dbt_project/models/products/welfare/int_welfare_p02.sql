-- Margin of low income (P02): a relief for the family before the festival; each member's share of it is shown.
{{ approval_rule('P02', 'dibian', family_share(parameter('policy_parameters', 'P02', 'amount'), 'members', 'place')) }}
