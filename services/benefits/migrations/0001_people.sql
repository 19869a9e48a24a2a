-- Whom benefits judges, and what it decided. No name, phone or account stands here in the clear:
-- contacts are kept as they came, sealed with each person's own key, and keys only wrapped.

create table persons (
    id uuid primary key,
    region text not null,
    household_id uuid not null,
    residence text not null,
    birth_date date not null,
    registered_at timestamptz not null,
    review text not null check (review in ('none', 'open', 'same')),
    -- [code, level, state, effective on, known on], in the order they came.
    statuses jsonb not null
);
create index persons_household on persons (household_id);

create table households (
    id uuid primary key,
    region text not null,
    head_id uuid,
    -- Members whom the form calls children of the head.
    child_ids uuid[] not null
);

-- A suspected pair of records; `outcome` once an officer decided.
create table reviews (
    pair_id uuid primary key,
    person_a uuid not null,
    person_b uuid not null,
    outcome text check (outcome in ('same', 'distinct'))
);
create index reviews_a on reviews (person_a);
create index reviews_b on reviews (person_b);

create table contacts (
    person_id uuid primary key,
    key_version integer not null,
    sealed text not null
);

create table person_keys (
    person_id uuid not null,
    version integer not null,
    wrapped text not null,
    primary key (person_id, version)
);

create table applications (
    id uuid primary key,
    region text not null,
    person_id uuid not null,
    programme text not null,
    outcome text not null check (outcome in ('approved', 'deferred', 'refused')),
    due_on date not null,
    -- [group, day on which the decision on it was signed]
    signed jsonb not null,
    unique (person_id, programme)
);

-- Every decision with the version of the law and the facts it used: it can be computed again.
create table decisions (
    id bigint generated always as identity primary key,
    region text not null,
    application_id uuid not null,
    outcome text not null,
    reasons text[] not null,
    pack_version text not null,
    facts jsonb not null,
    decided_on date not null
);
create index decisions_application on decisions (application_id, id);

create table entitlements (
    id uuid primary key,
    region text not null,
    person_id uuid not null,
    programme text not null,
    component text not null,
    currency text not null,
    phase text not null check (phase in ('held', 'waiting', 'running', 'cancelled')),
    payee_id uuid,
    held_until date,
    -- [month, amount] as published.
    announced jsonb not null,
    unique (person_id, programme, component),
    check ((phase = 'running') = (payee_id is not null)),
    check ((phase = 'held') = (held_until is not null))
);
create index entitlements_region on entitlements (region, programme, id);
create index entitlements_waiting on entitlements (person_id) where phase = 'waiting';

-- What is due from a month on, until the next row; the last row of an entitlement has no end.
create table terms (
    entitlement_id uuid not null,
    from_month text not null check (from_month ~ '^[0-9]{4}-[0-9]{2}$'),
    region text not null,
    amount_minor bigint not null check (amount_minor >= 0),
    group_code text not null,
    coefficient text not null,
    standard_minor bigint not null check (standard_minor >= 0),
    primary key (entitlement_id, from_month)
);

create table activated_packs (
    programme text not null,
    version text not null,
    digest text not null,
    activated_on date not null,
    primary key (programme, version)
);

select protect('persons', 'region', 'select', 'select, insert, update');
select protect('households', worker => 'select, insert, update');
select protect('reviews', worker => 'select, insert, update');
select protect('contacts');
select protect('person_keys');
select protect('applications', 'region', 'select', 'select, insert, update');
select protect('decisions', 'region', 'select', 'select, insert');
select protect('entitlements', 'region', 'select', 'select, insert, update');
select protect('terms', 'region', 'select');
select protect('activated_packs', api => 'select', worker => 'select, insert');
