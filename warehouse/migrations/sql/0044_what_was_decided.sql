-- Where a record was that is there no more: of a decision about it, and of keys that may come back.
CREATE INDEX membership_past ON resolution.membership (system, stream, record_key, to_run) WHERE to_run IS NOT NULL;
