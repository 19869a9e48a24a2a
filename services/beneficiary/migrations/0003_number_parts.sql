-- Digests of the three parts of a person's national number, if it is sound: of two who share none,
-- neither is the other, and nothing has to be opened to know that.
alter table person_keys add column number_parts bytea[];
