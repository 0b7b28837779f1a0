-- A held row is also settled by its source: when it sends a good version that is not older, or a whole register that
-- no longer holds the row. Left waiting, it would keep a "no" unknown for ever, or be replayed over its correction.
ALTER TABLE quarantine.row
    DROP CONSTRAINT row_state_check,
    ADD CONSTRAINT row_state_check CHECK (state IN ('held', 'replayed', 'discarded', 'superseded')),
    ADD version_number bigint,
    ADD checked_by_load bigint;
-- What a person has discarded stays discarded when it is sent again.
CREATE INDEX row_discarded ON quarantine.row (system, stream, payload_digest) WHERE state = 'discarded';

-- What a load noticed that is no defect of a row: columns that the upstream added, deletions that were not made.
ALTER TABLE control.load ADD notes jsonb;

-- Fields that no contract describes yet, as received: nobody has said what class they are, so they stand apart from
-- landing and are shown masked. They go with the retention of their stream.
CREATE TABLE quarantine.addition (
    system text NOT NULL,
    stream text NOT NULL,
    record_key text NOT NULL,
    load_id bigint NOT NULL,
    fields text NOT NULL,
    last_seen timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (system, stream, record_key)
);
