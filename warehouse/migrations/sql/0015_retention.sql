-- How long a stream's rows are kept, and by which column they age: what purge needs must outlive a contract that was
-- broken or removed since, or the rows that the law says to delete would stay for as long as nobody mends it.
ALTER TABLE control.stream
    ADD retention_days integer CHECK (retention_days >= 0),
    ADD expires text;
