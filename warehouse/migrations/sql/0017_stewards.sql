-- A key that was merged stays a redirect for ever, or comes back to the part that had it when the merge is undone.
-- merged_into is the key that it was merged into, resolves_to the end of that chain now: null for an active key, and
-- for one whose chain ends in a retired key.
ALTER TABLE resolution.entity ADD resolves_to text;
WITH RECURSIVE chain AS (
    SELECT entity_key, merged_into AS at FROM resolution.entity WHERE status = 'merged'
    UNION ALL
    SELECT c.entity_key, e.merged_into FROM chain c JOIN resolution.entity e ON e.entity_key = c.at
    WHERE e.status = 'merged'
)
UPDATE resolution.entity e SET resolves_to = c.at FROM chain c JOIN resolution.entity t ON t.entity_key = c.at
WHERE e.entity_key = c.entity_key AND t.status = 'active';
CREATE INDEX entity_inactive ON resolution.entity (kind) WHERE status <> 'active';

ALTER TABLE resolution.event DROP CONSTRAINT event_type_check;
ALTER TABLE resolution.event ADD CHECK (type IN ('create', 'merge', 'split', 'restore', 'retire'));

-- Nobody decides, or takes a decision back, without a name and a reason.
UPDATE resolution.decision SET reason = 'not stated' WHERE coalesce(trim(reason), '') = '';
ALTER TABLE resolution.decision
    ALTER reason SET NOT NULL,
    ADD CONSTRAINT reason_stated CHECK (trim(reason) <> ''),
    ADD CONSTRAINT two_records CHECK ((a_system, a_stream, a_record_key) <> (b_system, b_stream, b_record_key)),
    ADD revoked_by text,
    ADD revoked_reason text;
UPDATE resolution.decision SET revoked_by = 'not stated', revoked_reason = 'not stated' WHERE revoked_at IS NOT NULL;
ALTER TABLE resolution.decision ADD CONSTRAINT revocation_stated CHECK (
    (revoked_at IS NULL) = (coalesce(trim(revoked_by), '') = '')
    AND (revoked_at IS NULL) = (coalesce(trim(revoked_reason), '') = '')
);

-- A review that was dismissed has an outcome and a reason but no decision about two records.
ALTER TABLE resolution.review
    ADD outcome text CHECK (outcome IN ('must_link', 'cannot_link', 'dismiss')),
    ADD outcome_reason text;
