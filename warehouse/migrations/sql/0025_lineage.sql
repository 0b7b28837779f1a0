-- From a released row down to what is behind it, and tickets back to the owner of a record.
-- Every released version of the rows that have these values, with the range of releases that each is valid for. Apps
-- see the rows of the pointer alone; this is how an auditor sees the others, without a right on the tables.
CREATE FUNCTION control.released_rows(p_product text, p_match jsonb)
RETURNS TABLE (released json, from_release bigint, to_release bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    condition text;
    unknown text;
BEGIN
    IF NOT EXISTS (SELECT FROM control.product WHERE product = p_product) THEN
        RAISE EXCEPTION 'there is no product %', p_product USING HINT = 'see control.product';
    END IF;
    SELECT string_agg(format('r.%I = %L', m.key, m.value), ' AND '),
           string_agg(m.key, ', ') FILTER (WHERE a.attname IS NULL)
    INTO condition, unknown
    FROM jsonb_each_text(p_match) m
    LEFT JOIN pg_attribute a ON a.attrelid = ('released.' || p_product)::regclass AND a.attname = m.key
        AND a.attnum > 0 AND NOT a.attisdropped;
    IF condition IS NULL OR unknown IS NOT NULL THEN
        RAISE EXCEPTION 'rows of % are looked up by its columns, not by %', p_product, coalesce(unknown, 'nothing')
            USING HINT = 'name key columns or keys of entities';
    END IF;
    -- json and not jsonb, which would not keep the order of the columns.
    RETURN QUERY EXECUTE format(
        'SELECT row_to_json(r), r.from_release, r.to_release FROM released.%I r WHERE %s ORDER BY r.from_release',
        p_product, condition);
END $$;

-- What waits or waited in quarantine, for those who answer "what do you hold on me". Isolated registers have a procedure
-- of their own: nothing of theirs is reached from here.
CREATE VIEW quarantine.row_of_register WITH (security_barrier) AS
SELECT q.quarantine_id, q.system, q.stream, q.record_key, q.payload_text, q.reasons, q.state, q.times_seen, q.load_id,
    q.first_seen, q.last_seen, q.settled_by, q.settled_reason, q.settled_at
FROM quarantine.row q
JOIN control.stream s USING (system, stream)
WHERE s.landing_schema = 'landing';

CREATE VIEW quarantine.addition_of_register WITH (security_barrier) AS
SELECT a.system, a.stream, a.record_key, a.load_id, a.fields, a.last_seen
FROM quarantine.addition a
JOIN control.stream s USING (system, stream)
WHERE s.landing_schema = 'landing';

-- A correction ticket: what is claimed to be wrong in a record, for the owner of its source to look at. The claim is
-- written by an officer and may speak of a person: it is shown to officers, and never goes to a log or to the audit chain.
CREATE TABLE control.correction (
    correction_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system text NOT NULL,
    stream text NOT NULL,
    record_key text NOT NULL,
    field text NOT NULL,
    claim text NOT NULL CHECK (trim(claim) <> ''),
    owner text NOT NULL,
    due_on date NOT NULL,
    -- The version of the record that the claim is about: when another one is current, the source has changed it.
    landed_load bigint NOT NULL,
    landed_hash uuid NOT NULL,
    opened_by text NOT NULL CHECK (trim(opened_by) <> ''),
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX correction_by_record ON control.correction (system, stream, record_key);

-- Every state that a ticket has been in; the newest is the one it is in now.
CREATE TABLE control.correction_step (
    step_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    correction_id bigint NOT NULL REFERENCES control.correction ON DELETE CASCADE,
    state text NOT NULL CHECK (state IN ('open', 'sent', 'answered', 'closed')),
    outcome text CHECK (outcome IN ('corrected', 'refused', 'withdrawn')),
    note text,
    by text NOT NULL CHECK (trim(by) <> ''),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT closed_with_an_outcome CHECK ((state = 'closed') = (outcome IS NOT NULL)),
    CONSTRAINT closed_with_a_note CHECK (state <> 'closed' OR coalesce(trim(note), '') <> '')
);
CREATE INDEX correction_step_of ON control.correction_step (correction_id, step_id DESC);

CREATE FUNCTION control.correction_follows() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before text;
BEGIN
    -- Two officers at once would each see the state before the other's.
    PERFORM pg_advisory_xact_lock(hashtextextended('townhub.correction.' || NEW.correction_id, 0));
    SELECT state INTO before FROM control.correction_step WHERE correction_id = NEW.correction_id
    ORDER BY step_id DESC LIMIT 1;
    IF (coalesce(before, 'new'), NEW.state) NOT IN (
        ('new', 'open'), ('open', 'sent'), ('open', 'closed'), ('sent', 'answered'), ('sent', 'closed'),
        ('answered', 'sent'), ('answered', 'closed')
    ) THEN
        RAISE EXCEPTION 'ticket % is %, and cannot become % from there', NEW.correction_id, before, NEW.state
            USING HINT = 'open → sent → answered → closed; an answer that does not settle it is sent again';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER correction_follows BEFORE INSERT ON control.correction_step
    FOR EACH ROW EXECUTE FUNCTION control.correction_follows();

CREATE FUNCTION control.correction_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was said in a correction ticket is not changed' USING ERRCODE = 'insufficient_privilege',
        HINT = 'add a step that says what is right';
END $$;
CREATE TRIGGER correction_stays BEFORE UPDATE OR TRUNCATE ON control.correction
    FOR EACH STATEMENT EXECUTE FUNCTION control.correction_stays();
CREATE TRIGGER correction_stays BEFORE UPDATE OR TRUNCATE ON control.correction_step
    FOR EACH STATEMENT EXECUTE FUNCTION control.correction_stays();

-- Where each ticket stands, without what it says.
CREATE VIEW control.correction_status AS
SELECT c.correction_id, c.system, c.stream, c.owner, c.due_on, c.opened_at, s.state, s.outcome, s.at AS since
FROM control.correction c
JOIN LATERAL (SELECT * FROM control.correction_step WHERE correction_id = c.correction_id
              ORDER BY step_id DESC LIMIT 1) s ON true;
