-- For which day a stream was judged: what was not in the future of that day is not in that of a later one.
ALTER TABLE control.contract_check ADD COLUMN as_of date;
