-- The identity ledger: keys for ever, memberships by run, decisions of stewards.
CREATE TABLE resolution.run (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    records_in bigint,
    content_hash text,
    detail jsonb
);

CREATE TABLE resolution.entity (
    entity_key text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('resident', 'enterprise', 'premises', 'event')),
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'merged', 'retired')),
    merged_into text,
    created_run bigint NOT NULL,
    updated_run bigint NOT NULL,
    CONSTRAINT merged_says_where CHECK ((status = 'merged') = (merged_into IS NOT NULL))
);
CREATE INDEX entity_by_kind ON resolution.entity (kind) WHERE status = 'active';
CREATE INDEX entity_merged_into ON resolution.entity (merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE resolution.membership (
    kind text NOT NULL,
    system text NOT NULL,
    stream text NOT NULL,
    record_key text NOT NULL,
    entity_key text NOT NULL,
    link_kind text NOT NULL
        CHECK (link_kind IN ('exact', 'rule', 'probabilistic', 'probable', 'single', 'steward')),
    reason text,
    weight double precision,
    from_run bigint NOT NULL,
    to_run bigint,
    CONSTRAINT membership_range CHECK (to_run > from_run)
);
CREATE UNIQUE INDEX membership_current
    ON resolution.membership (kind, system, stream, record_key) WHERE to_run IS NULL;
CREATE INDEX membership_by_entity ON resolution.membership (entity_key);

CREATE TABLE resolution.event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL,
    type text NOT NULL CHECK (type IN ('create', 'merge', 'split', 'reverse', 'retire')),
    from_key text,
    to_key text,
    cause jsonb
);
CREATE INDEX event_by_run ON resolution.event (run_id);
CREATE INDEX event_by_from_key ON resolution.event (from_key);
CREATE INDEX event_by_to_key ON resolution.event (to_key);

CREATE TABLE resolution.decision (
    decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    a_system text NOT NULL,
    a_stream text NOT NULL,
    a_record_key text NOT NULL,
    b_system text NOT NULL,
    b_stream text NOT NULL,
    b_record_key text NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('must_link', 'cannot_link')),
    decided_by text NOT NULL CHECK (decided_by <> ''),
    reason text,
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at timestamptz
);
CREATE INDEX decision_in_force ON resolution.decision (kind) WHERE revoked_at IS NULL;

CREATE TABLE resolution.review (
    review_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    pair jsonb,
    record jsonb,
    reason text NOT NULL,
    weight double precision,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'decided')),
    created_run bigint,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided_by text,
    decided_at timestamptz,
    decision_id bigint REFERENCES resolution.decision
);
CREATE INDEX review_open ON resolution.review (kind, review_id) WHERE state = 'open';
