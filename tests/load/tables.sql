-- What the obvious and the bare pipe keep: the same tables, each pipe in a schema of its own.
create table inbox_persons (id text primary key);
create table persons (
    id text primary key,
    household_id text not null,
    birth_date date not null,
    sex smallint not null,
    place text not null,
    language text not null,
    status text not null
);
create index on persons (household_id);
create table inbox_entitlements (id text primary key);
create table entitlements (
    id text primary key,
    person_id text not null,
    programme text not null,
    amount_minor bigint not null,
    from_month text not null
);
create table payments (
    id text primary key,
    entitlement_id text not null,
    month text not null,
    amount_minor bigint not null
);
create table inbox_messages (id text primary key);
create table messages (
    id text primary key,
    recipient_id text not null,
    template text not null,
    amount_minor bigint not null,
    claim_id text not null
);
create table outbox (
    seq bigint generated always as identity primary key,
    topic text not null,
    key text not null,
    event bytea not null
);
