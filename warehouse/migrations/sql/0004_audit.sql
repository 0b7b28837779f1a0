-- An append-only chain: each entry's hash covers the entry and the hash before it.
CREATE TABLE control.audit (
    seq bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL CHECK (actor <> ''),
    db_user text NOT NULL,
    action text NOT NULL CHECK (action <> ''),
    detail jsonb NOT NULL,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL
);

CREATE FUNCTION control.audit_hash(
    p_prev bytea, p_seq bigint, p_at timestamptz, p_actor text, p_db_user text, p_action text, p_detail jsonb
) RETURNS bytea LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
    SELECT sha256(p_prev || convert_to(
        jsonb_build_array(p_seq, p_at, p_actor, p_db_user, p_action, p_detail)::text, 'UTF8'))
$$;

CREATE FUNCTION control.audit_chain() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last record;
BEGIN
    -- One writer at a time: the number and the hash before it are only known once the others have committed.
    PERFORM pg_advisory_xact_lock(hashtextextended('townhub.audit', 0));
    SELECT a.seq, a.hash INTO last FROM control.audit a ORDER BY a.seq DESC LIMIT 1;
    NEW.seq := coalesce(last.seq, 0) + 1;
    NEW.at := clock_timestamp();
    NEW.db_user := session_user;
    NEW.prev_hash := coalesce(last.hash, ''::bytea);
    NEW.hash := control.audit_hash(NEW.prev_hash, NEW.seq, NEW.at, NEW.actor, NEW.db_user, NEW.action, NEW.detail);
    RETURN NEW;
END $$;

CREATE FUNCTION control.audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'control.audit is append-only: % is refused', TG_OP
        USING ERRCODE = 'insufficient_privilege', HINT = 'write a new entry that corrects the old one';
END $$;

CREATE TRIGGER audit_chain BEFORE INSERT ON control.audit
    FOR EACH ROW EXECUTE FUNCTION control.audit_chain();
CREATE TRIGGER audit_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON control.audit
    FOR EACH STATEMENT EXECUTE FUNCTION control.audit_refuse();

-- The one way in for roles that may not touch the table.
CREATE FUNCTION control.audit_append(p_actor text, p_action text, p_detail jsonb DEFAULT '{}')
RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO control.audit (actor, action, detail) VALUES (p_actor, p_action, coalesce(p_detail, '{}')) RETURNING seq
$$;

-- The first entry that does not follow from the one before it, or null when the chain is whole.
CREATE FUNCTION control.audit_verify() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT min(seq) FROM (
        SELECT seq, row_number() OVER (ORDER BY seq) AS place, prev_hash, hash,
               lag(hash, 1, ''::bytea) OVER (ORDER BY seq) AS before,
               control.audit_hash(prev_hash, seq, at, actor, db_user, action, detail) AS expected
        FROM control.audit) chain
    WHERE seq <> place OR prev_hash <> before OR hash <> expected
$$;
