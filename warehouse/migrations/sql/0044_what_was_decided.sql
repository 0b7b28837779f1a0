-- Where a record was that is there no more: of a decision about it, and of keys that may come back.
CREATE INDEX membership_past ON resolution.membership (system, stream, record_key, to_run) WHERE to_run IS NOT NULL;

-- A dismissal is about what the record said then, and can be taken back. 32 bits of a hash tell that it says something
-- else now, and nothing of what it says.
ALTER TABLE resolution.review
    ADD judged text CHECK (judged ~ '^[0-9a-f]{8}$'),
    ADD reopened_at timestamptz,
    ADD reopened_by text,
    ADD reopened_reason text,
    ADD CONSTRAINT dismissed_before_reopened CHECK (reopened_at IS NULL OR (
        outcome = 'dismiss' AND reopened_by <> '' AND reopened_reason <> ''
    ));
