-- A person whose key has ended keeps a row without one: nobody waits for a key that will not come.
alter table keys alter column wrapped_key drop not null;
