-- Answers of look-up interfaces that stand (connectors.lookups): which records the answer to a value gave, and on what
-- day. Hashes like the keys of landing; only values that are wanted now are here.
CREATE TABLE control.lookup_answer (
    system text NOT NULL,
    stream text NOT NULL,
    value uuid NOT NULL,
    record uuid NOT NULL,
    answered_on date NOT NULL,
    load_id bigint NOT NULL REFERENCES control.load,
    PRIMARY KEY (system, stream, value, record)
);
