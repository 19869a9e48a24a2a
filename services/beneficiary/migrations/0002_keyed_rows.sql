-- What belongs to a person is written by the statement that writes the person, and by no other: a
-- foreign key would look every row's person up again, nine times a registration (ADR 12).
alter table person_keys drop constraint person_keys_person_id_fkey;
alter table person_statuses drop constraint person_statuses_person_id_fkey;
alter table match_keys drop constraint match_keys_person_id_fkey;
