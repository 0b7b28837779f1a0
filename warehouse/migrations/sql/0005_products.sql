-- What is published: the products, their released rows, and what each candidate and release is.
CREATE TABLE control.product (
    product text PRIMARY KEY CHECK (product ~ '^[a-z][a-z0-9_]*$'),
    family text NOT NULL CHECK (family ~ '^[a-z][a-z0-9_]*$'),
    candidate_table text NOT NULL,
    released_table text NOT NULL,
    key_columns text[] NOT NULL CHECK (cardinality(key_columns) > 0),
    hash_columns text[] NOT NULL CHECK (cardinality(hash_columns) > 0),
    purpose text NOT NULL,
    -- control.publish writes where this says: nowhere but the product's own table.
    CONSTRAINT own_tables CHECK (
        candidate_table = 'candidate.' || product AND released_table = 'released.' || product
    )
);
CREATE INDEX product_by_family ON control.product (family);

CREATE TABLE control.required_check (
    family text NOT NULL,
    check_name text NOT NULL,
    PRIMARY KEY (family, check_name)
);

CREATE TABLE control.candidate (
    candidate_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    family text NOT NULL,
    content_hash text NOT NULL,   -- over the hash columns: equal for equal content on any machine
    exact_hash text NOT NULL,     -- over every column: what was checked is what is published (in this cluster)
    row_counts jsonb NOT NULL,
    as_of date NOT NULL,
    inputs jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_id text,
    UNIQUE (candidate_id, family)
);
CREATE INDEX candidate_newest ON control.candidate (family, candidate_id DESC);

CREATE TABLE control.verdict (
    verdict_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    family text NOT NULL,
    candidate_id bigint NOT NULL,
    check_name text NOT NULL,
    state text NOT NULL CHECK (state IN ('green', 'red', 'error')),
    rows_checked bigint,
    observed jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_id text,
    FOREIGN KEY (candidate_id, family) REFERENCES control.candidate (candidate_id, family)
);
CREATE INDEX verdict_latest ON control.verdict (candidate_id, check_name, verdict_id DESC);

CREATE TABLE control.release (
    release_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    family text NOT NULL,
    candidate_id bigint NOT NULL,
    content_hash text NOT NULL,
    exact_hash text NOT NULL,
    as_of date NOT NULL,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    published_by text NOT NULL,
    run_id text,
    row_changes jsonb NOT NULL,
    UNIQUE (release_id, family),
    FOREIGN KEY (candidate_id, family) REFERENCES control.candidate (candidate_id, family)
);
CREATE INDEX release_newest ON control.release (family, release_id DESC);

CREATE TABLE control.release_pointer (
    family text PRIMARY KEY,
    release_id bigint NOT NULL,
    moved_at timestamptz NOT NULL,
    moved_by text NOT NULL,
    reason text,
    FOREIGN KEY (release_id, family) REFERENCES control.release (release_id, family)
);

-- Every place the pointer has been: "what did we show on 3 May".
CREATE TABLE control.release_move (
    move_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    family text NOT NULL,
    release_id bigint NOT NULL,
    moved_at timestamptz NOT NULL,
    moved_by text NOT NULL,
    reason text,
    FOREIGN KEY (release_id, family) REFERENCES control.release (release_id, family)
);
CREATE INDEX release_move_by_time ON control.release_move (family, moved_at DESC);

CREATE TABLE released.premises_risk (
    premises_code text NOT NULL,
    premises_key text,
    enterprise_key text,
    name text,
    category text,
    grid_code text,
    community_code text,
    longitude double precision,
    latitude double precision,
    score integer,
    colour text NOT NULL CHECK (colour IN ('red', 'yellow', 'green', 'grey')),
    reason text NOT NULL,
    points jsonb,
    gates text[],
    unknown_inputs text[],
    last_inspected_on date,
    next_inspection_due date,
    overdue boolean,
    score_version text NOT NULL
);
CREATE TABLE released.grid_risk (
    grid_code text NOT NULL,
    community_code text,
    name text,
    premises_count integer,
    scored_count integer,
    red_count integer,
    yellow_count integer,
    green_count integer,
    grey_count integer,
    coverage numeric(5, 4),
    raw_score numeric(8, 3),
    shrunk_score numeric(8, 3),
    colour text NOT NULL CHECK (colour IN ('red', 'orange', 'yellow', 'blue', 'green', 'grey')),
    confidence text CHECK (confidence IN ('high', 'medium', 'low', 'none')),
    reason text NOT NULL,
    score_version text NOT NULL
);
CREATE TABLE released.welfare_match (
    resident_key text NOT NULL,
    policy_code text NOT NULL CHECK (policy_code IN ('P01', 'P07', 'P08')),
    community_code text,
    outcome text NOT NULL CHECK (outcome IN ('eligible', 'not_eligible', 'unknown')),
    reason text NOT NULL,
    missing_evidence text[],
    receiving boolean,
    finding text NOT NULL CHECK (
        finding IN ('as_due', 'unclaimed', 'receiving_not_found_eligible', 'not_due', 'undecided')
    ),
    amount_due numeric(12, 2),
    rule_version text NOT NULL,
    evidence jsonb
);

INSERT INTO control.product (product, family, candidate_table, released_table, key_columns, hash_columns, purpose)
SELECT
    p.product, p.family, 'candidate.' || p.product, 'released.' || p.product, p.key_columns,
    (SELECT array_agg(a.attname::text ORDER BY a.attnum)
     FROM pg_attribute a
     WHERE a.attrelid = ('released.' || p.product)::regclass AND a.attnum > 0 AND NOT a.attname = ANY (p.keys_of_ours)),
    p.purpose
FROM (VALUES
    ('premises_risk', 'safety', ARRAY['premises_code'], ARRAY['premises_key', 'enterprise_key'], 'premises_safety'),
    ('grid_risk', 'safety', ARRAY['grid_code'], ARRAY[]::text[], 'premises_safety'),
    ('welfare_match', 'welfare', ARRAY['resident_key', 'policy_code'], ARRAY['resident_key'], 'welfare_delivery')
) p (product, family, key_columns, keys_of_ours, purpose);

-- The same for every product: release range, one open row per key, row security, the view that apps see.
DO $$
DECLARE
    p record;
    shown constant text := $shown$
        from_release <= (SELECT release_id FROM control.release_pointer WHERE family = %2$L)
        AND (to_release IS NULL OR to_release > (SELECT release_id FROM control.release_pointer WHERE family = %2$L))
    $shown$;
    columns text;
BEGIN
    FOR p IN SELECT * FROM control.product LOOP
        SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum) INTO columns
        FROM pg_attribute WHERE attrelid = p.released_table::regclass AND attnum > 0;
        EXECUTE format('ALTER TABLE %s ADD from_release bigint NOT NULL, ADD to_release bigint,
                        ADD CHECK (to_release > from_release)', p.released_table);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %s (%s) WHERE to_release IS NULL', p.product || '_open',
            p.released_table, (SELECT string_agg(format('%I', k), ', ') FROM unnest(p.key_columns) k));
        EXECUTE format('CREATE INDEX %I ON %s (from_release, to_release)', p.product || '_range', p.released_table);
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p.released_table);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', p.released_table);
        EXECUTE format('CREATE POLICY publisher ON %s TO townhub_publisher USING (true) WITH CHECK (true)',
            p.released_table);
        -- The view runs as the owner, and the owner sees the released rows of the pointer only.
        EXECUTE format('CREATE POLICY shown ON %1$s FOR SELECT TO townhub_owner USING (' || shown || ')',
            p.released_table, p.family);
        EXECUTE format('CREATE VIEW serving.%I WITH (security_barrier) AS SELECT %s FROM %s',
            p.product, columns, p.released_table);
    END LOOP;
END $$;

CREATE VIEW serving.release_info WITH (security_barrier) AS
SELECT r.family, r.release_id, r.published_at, r.as_of, now() - r.published_at AS age
FROM control.release_pointer p JOIN control.release r USING (release_id);
