-- The registry. Names, identifiers, phones, addresses and accounts stand in `sealed` only,
-- encrypted with the person's own key; matching keys are keyed digests that cannot be guessed back.

create table persons (
    id uuid primary key,
    region text not null,
    source text not null,
    record_id text not null,
    household_id uuid not null,
    role text not null,
    claim_digest text not null,
    birth_date date not null,
    birth_precision text not null,
    sex smallint not null,
    place text not null,
    language text not null,
    under_review boolean not null,
    key_version integer not null,
    sealed text not null,
    registered_on date not null,
    unique (source, record_id)
);
create index persons_household on persons (household_id);
create index persons_region on persons (region, id);

create table person_keys (
    person_id uuid primary key references persons (id),
    region text not null,
    version integer not null,
    wrapped text not null
);

create table person_statuses (
    person_id uuid not null references persons (id),
    region text not null,
    code text not null,
    level text,
    valid_from date not null,
    primary key (person_id, code, valid_from)
);

-- Which persons share a matching key: identifier, phone, name and birth date, ...
create table match_keys (
    key bytea not null,
    person_id uuid not null references persons (id),
    primary key (key, person_id)
);

create table pairs (
    id uuid primary key,
    region text not null,
    person_a uuid not null references persons (id),
    person_b uuid not null references persons (id),
    score double precision not null check (score between 0 and 1),
    reasons text[] not null,
    holds boolean not null,
    suspected_on date not null,
    outcome text check (outcome in ('same', 'distinct')),
    decided_by text,
    decided_at timestamptz,
    unique (person_a, person_b)
);
create index pairs_open on pairs (region, suspected_on, id) where outcome is null;

select protect('persons', region => 'region', api => 'select');
select protect('person_keys');
select protect('person_statuses', region => 'region', api => 'select');
select protect('match_keys');
select protect('pairs', region => 'region', api => 'select');

-- An officer decides about a pair; which pair it is cannot be changed.
do $columns$
begin
    execute format('grant update (outcome, decided_by, decided_at) on pairs to %I',
                   current_schema() || '_api');
end
$columns$;
