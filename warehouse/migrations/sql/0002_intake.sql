-- Streams, loads, cursors, defects, holds; quarantine and inbox.
CREATE TABLE control.stream (
    system text NOT NULL,
    stream text NOT NULL,
    contract_version text NOT NULL,
    landing_schema text NOT NULL,
    landing_table text NOT NULL,
    owner text,
    enabled boolean NOT NULL DEFAULT true,
    cadence_seconds integer,
    freshness_seconds integer,
    load_kind text NOT NULL CHECK (load_kind IN ('changes', 'snapshot', 'messages')),
    synced_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (system, stream)
);

CREATE TABLE control.load (
    load_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    load_key text NOT NULL UNIQUE,
    system text NOT NULL,
    stream text NOT NULL,
    contract_version text,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'committed', 'failed', 'held')),
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    rows_in bigint NOT NULL DEFAULT 0,
    rows_landed bigint NOT NULL DEFAULT 0,
    rows_unchanged bigint NOT NULL DEFAULT 0,
    rows_quarantined bigint NOT NULL DEFAULT 0,
    rows_tombstoned bigint NOT NULL DEFAULT 0,
    bytes_in bigint NOT NULL DEFAULT 0,
    cursor_before jsonb,
    cursor_after jsonb,
    run_id text,
    error text,
    pid integer,
    host_boot text,
    seconds jsonb,
    -- I3: every row in is accounted for, or the load cannot commit.
    CONSTRAINT load_balances CHECK (
        state <> 'committed' OR rows_in = rows_landed + rows_unchanged + rows_quarantined
    )
);
CREATE INDEX load_by_stream ON control.load (system, stream, load_id DESC);
CREATE INDEX load_running ON control.load (load_id) WHERE state = 'running';

CREATE TABLE control.cursor (
    system text NOT NULL,
    stream text NOT NULL,
    value jsonb NOT NULL,
    load_id bigint REFERENCES control.load,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (system, stream)
);

CREATE TABLE control.defect (
    load_id bigint NOT NULL REFERENCES control.load,
    system text NOT NULL,
    stream text NOT NULL,
    column_name text NOT NULL,
    reason text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('corrected', 'withheld', 'quarantined')),
    rows bigint NOT NULL,
    PRIMARY KEY (load_id, column_name, reason, outcome)
);
CREATE INDEX defect_by_stream ON control.defect (system, stream, load_id DESC);

CREATE TABLE control.hold (
    hold_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system text NOT NULL,
    stream text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('mass_delete', 'volume_collapse')),
    load_id bigint REFERENCES control.load,
    detail jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    released_by text,
    released_at timestamptz,
    release_reason text,
    used_by_load bigint REFERENCES control.load,
    CONSTRAINT released_by_a_named_person CHECK (
        released_at IS NULL OR (released_by <> '' AND release_reason <> '')
    )
);
CREATE INDEX hold_open ON control.hold (system, stream) WHERE used_by_load IS NULL;

CREATE TABLE control.run (
    run_key text PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    state text NOT NULL DEFAULT 'running',
    seconds jsonb,
    summary jsonb
);

CREATE TABLE quarantine.row (
    quarantine_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system text NOT NULL,
    stream text NOT NULL,
    load_id bigint NOT NULL,
    last_load_id bigint,
    times_seen integer NOT NULL DEFAULT 1,
    row_no bigint,
    record_key text,
    payload jsonb,
    payload_text text,
    payload_digest bytea NOT NULL,
    reasons text[] NOT NULL CHECK (cardinality(reasons) > 0),
    contract_version text,
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'replayed', 'discarded')),
    settled_by_load bigint,
    settled_by text,
    settled_reason text,
    settled_at timestamptz
);
-- The same bad row sent every day is one row to mend, seen many times.
CREATE UNIQUE INDEX row_held_once ON quarantine.row (system, stream, payload_digest) WHERE state = 'held';
CREATE INDEX row_by_load ON quarantine.row (load_id);

CREATE TABLE inbox.message (
    message_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system text NOT NULL,
    stream text NOT NULL,
    delivery_id text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    payload bytea NOT NULL,
    headers jsonb,
    UNIQUE (system, stream, delivery_id)
);
CREATE INDEX message_by_stream ON inbox.message (system, stream, message_id);

-- How far each stream may be trusted: products turn unknown by it (I6). A load that still runs says nothing yet.
CREATE VIEW control.input_status AS
SELECT s.system, s.stream,
    CASE
        WHEN NOT s.enabled THEN 'disabled'
        WHEN good.load_id IS NULL THEN 'missing'
        WHEN last.state <> 'committed' THEN 'failed'
        WHEN good.finished_at < now() - make_interval(secs => s.freshness_seconds) THEN 'aged'
        ELSE 'fresh'
    END AS state,
    good.finished_at AS last_committed_at, good.load_id AS last_load_id, s.freshness_seconds
FROM control.stream s
LEFT JOIN LATERAL (
    SELECT l.load_id, l.finished_at FROM control.load l
    WHERE (l.system, l.stream, l.state) = (s.system, s.stream, 'committed') ORDER BY l.load_id DESC LIMIT 1
) good ON true
LEFT JOIN LATERAL (
    SELECT l.state FROM control.load l
    WHERE (l.system, l.stream) = (s.system, s.stream) AND l.state <> 'running' ORDER BY l.load_id DESC LIMIT 1
) last ON true;
