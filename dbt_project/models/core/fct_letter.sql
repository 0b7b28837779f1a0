-- Letters to the town's mailbox by matter and place, and how long an answer took. Nobody who wrote, no word of it.
select
    letter.letter_no,
    letter.category,
    community.community_code,
    letter.state,
    {{ local_date('letter.received_at') }} as received_on,
    letter.received_at,
    letter.replied_at,
    {{ hours_between('letter.received_at', 'letter.replied_at') }} as hours_to_reply
from {{ ref('stg_resident_mailbox__letters') }} as letter
left join {{ ref('dim_community') }} as community on community.community_code = letter.community_code
