-- What a run by changes needs of residents follows from the records and the ledger: after a crash of the server it is
-- written anew by a full run, and so it need not go through the log (decision 0008). A server that was copied or restored
-- finds it empty, and links all anew.
ALTER TABLE resolution.resident_record SET UNLOGGED;
ALTER TABLE resolution.resident_block SET UNLOGGED;
ALTER TABLE resolution.resident_count SET UNLOGGED;

-- A full run writes all of it. To write five million rows into a table that has its index costs a third more than to write
-- them first and sort them then; only who owns a table may drop an index of it.
CREATE FUNCTION control.empty_resident_state() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    TRUNCATE resolution.resident_record, resolution.resident_block, resolution.resident_count;
    DROP INDEX IF EXISTS resolution.resident_record_by_entity, resolution.resident_block_by_key;
END
$$;
COMMENT ON FUNCTION control.empty_resident_state() IS
    'Nothing is kept of residents any more, and no index stands in the way of writing it anew; '
    'control.index_resident_state() has to follow in the same transaction.';

CREATE FUNCTION control.index_resident_state() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET maintenance_work_mem = '256MB' AS $$
BEGIN
    CREATE INDEX resident_record_by_entity ON resolution.resident_record (entity_key);
    CREATE INDEX resident_block_by_key ON resolution.resident_block (key);
END
$$;
COMMENT ON FUNCTION control.index_resident_state() IS 'What control.empty_resident_state() took away.';
REVOKE ALL ON FUNCTION control.empty_resident_state(), control.index_resident_state() FROM PUBLIC;
