-- How rows of registers looked when they came, and what they became (connectors.received): parts of 32 bytes a row, all
-- of them hashes. It saves work and proves nothing: any of it may be deleted at any time.
CREATE TABLE control.received (
    system text NOT NULL,
    stream text NOT NULL,
    part bigint GENERATED ALWAYS AS IDENTITY,
    load_id bigint NOT NULL REFERENCES control.load,
    rules uuid NOT NULL,
    rows integer NOT NULL,
    entries bytea NOT NULL,
    PRIMARY KEY (system, stream, part)
);
-- Hashes do not get smaller.
ALTER TABLE control.received ALTER COLUMN entries SET STORAGE EXTERNAL;
