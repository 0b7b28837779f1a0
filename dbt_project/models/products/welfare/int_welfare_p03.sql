-- Support of the destitute (P03): its part for care follows the office's assessment of self-care, which no register
-- tells, and is not in the amount. In force as "dibao" (P01) at the same time is a contradiction and not a "no".
{{ approval_rule('P03', 'tekun', 'share_of_amount', contradiction='dibao') }}
