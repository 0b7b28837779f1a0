-- What the tables of a chain of models (see orchestration/increments.py) were built from, so that the next build can make
-- anew only the rows that changed. A chain without a row, or whose basis is another, is built from everything. Under the
-- name `seeds` stands what the tests of the seeds last passed for (see orchestration/staged.py).
CREATE TABLE control.build_state (
    chain text PRIMARY KEY,
    basis text NOT NULL,
    as_of date NOT NULL,
    -- Every stream (system.stream) that its models are built from: what retention deletes of one makes it void.
    reads text[] NOT NULL,
    -- system.stream → the last load that was read of it; entity kind → the last run of resolution.
    loads jsonb NOT NULL,
    runs jsonb NOT NULL,
    built_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The records of which a row landed or was closed, or that belong to another entity, since the chain was last built.
CREATE UNLOGGED TABLE control.changed_record (
    chain text NOT NULL,
    system text NOT NULL,
    stream text NOT NULL,
    record_key text NOT NULL
);
CREATE INDEX ON control.changed_record (chain);

-- The rows of a model that the build under way makes anew, by the model's key as text.
CREATE UNLOGGED TABLE control.changed_key (
    model text NOT NULL,
    key text NOT NULL
);
CREATE INDEX ON control.changed_key (model);
