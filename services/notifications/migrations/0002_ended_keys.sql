-- A person whose key has ended keeps a row that says so: nobody waits for a key that will not come.
alter table keys add column ended boolean not null default false;
-- The channel of a message is the last one tried: none of one that was only queued.
alter table messages alter column channel set default 'in_person';
