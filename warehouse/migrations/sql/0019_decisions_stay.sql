-- Who decided what about whom stays as it was said; a decision can be revoked once, and nothing else.
CREATE FUNCTION resolution.decision_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.revoked_at IS NOT NULL
       OR to_jsonb(NEW) - ARRAY['revoked_at', 'revoked_by', 'revoked_reason']
          <> to_jsonb(OLD) - ARRAY['revoked_at', 'revoked_by', 'revoked_reason'] THEN
        RAISE EXCEPTION 'decision % cannot be changed', OLD.decision_id
            USING HINT = 'revoke it (townhub review revoke) and decide anew';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER decision_stays BEFORE UPDATE ON resolution.decision
    FOR EACH ROW EXECUTE FUNCTION resolution.decision_stays();
