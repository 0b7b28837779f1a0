-- Minimum living security (P01). In force as "tekun" (P03) at the same time is a contradiction and not a "no".
{{ approval_rule('P01', 'dibao', 'share_of_amount', contradiction='tekun') }}
