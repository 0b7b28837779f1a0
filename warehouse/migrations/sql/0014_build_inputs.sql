-- How far each stream had been taken in when the build under way began. Loads of one stream commit in the order of
-- their ids (the stream's lock), so a bound per stream is one state of the whole landing area: every model of a build
-- reads the same, whatever is committed beside it. Without a build there are no bounds, and all is read as it is.
CREATE TABLE control.build_input (
    system text NOT NULL,
    stream text NOT NULL,
    load_id bigint NOT NULL,
    PRIMARY KEY (system, stream)
);

-- Held rows by the same bounds: one that was settled by a load beyond the bound still waits in what this build reads.
CREATE OR REPLACE VIEW control.held_rows AS
SELECT q.system, q.stream, CASE WHEN s.landing_schema = 'landing' THEN q.record_key END AS record_key,
    q.first_seen AS held_since
FROM quarantine.row q
LEFT JOIN control.stream s USING (system, stream)
LEFT JOIN control.build_input b USING (system, stream)
WHERE (q.state = 'held' OR q.settled_by_load > b.load_id) AND q.load_id <= coalesce(b.load_id, q.load_id);
