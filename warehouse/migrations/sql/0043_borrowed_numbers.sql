-- What resolution read as another person's number says nothing of the resident whom the record belongs to. Memberships
-- from before say so from the next run on, which is a full one: its code is another.
ALTER TABLE resolution.membership ADD borrowed boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN resolution.membership.borrowed IS
    'the record''s identity number was read as another person''s, and set aside';

-- Records about which a steward is asked, for the models of the warehouse: what hangs on one of these alone is unknown.
CREATE VIEW resolution.open_review AS
SELECT DISTINCT kind, record ->> 'system' AS system, record ->> 'stream' AS stream, record ->> 'record_key' AS record_key
  FROM resolution.review WHERE state = 'open' AND record IS NOT NULL;
COMMENT ON VIEW resolution.open_review IS 'One row per record of which a review is open.';
