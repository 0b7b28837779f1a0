-- What of a stream is not over, whatever its age: retention must know it also where the contract cannot be read any more.
ALTER TABLE control.stream ADD stands_while jsonb NOT NULL DEFAULT '[]';
