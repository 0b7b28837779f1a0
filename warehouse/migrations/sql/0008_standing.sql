-- What was worked out already and stands while what it was worked out from stays the same.
-- The newest judgement of each stream's contract suite, and the load whose rows it judged.
CREATE TABLE control.contract_check (
    system text NOT NULL,
    stream text NOT NULL,
    load_id bigint NOT NULL REFERENCES control.load,
    suite_digest text NOT NULL,
    results jsonb NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (system, stream)
);

-- The state of our own files that a step of the build was last made from.
CREATE TABLE control.build_state (
    step text PRIMARY KEY,
    code_digest text NOT NULL,
    built_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
