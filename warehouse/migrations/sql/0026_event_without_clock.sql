-- Of incidents between persons the day is shown and no clock: the moment of the first report is no longer always given.
ALTER TABLE released.event ALTER COLUMN reported_at DROP NOT NULL;
