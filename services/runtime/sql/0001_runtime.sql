-- The tables of the mechanism, the same in every service's schema.

-- Claims: one row per (source, id) says that a claim was seen and how it was answered.
create table inbox (
    source text not null,
    id text not null,
    digest text not null,
    region text not null,
    outcome text not null check (outcome in ('pending', 'accepted', 'rejected')),
    code text,
    path text,
    person_id uuid,
    received_at timestamptz not null default now(),
    answered_at timestamptz,
    primary key (source, id)
);
create index inbox_region on inbox (region, received_at);

-- Facts: one row per (topic, key) with the last sequence applied.
create table positions (
    topic text not null,
    key text not null,
    sequence bigint not null,
    primary key (topic, key)
);

-- Records that wait: a fact for its turn (waits_for null), anything for its cause (waits_for set).
create table waiting (
    id bigint generated always as identity primary key,
    topic text not null,
    partition integer not null,
    record_offset bigint not null,
    key text not null,
    sequence bigint,
    event_id text not null,
    raw bytea not null,
    waits_for text,
    ready boolean not null default false,
    since timestamptz not null default now(),
    unique (topic, key, event_id)
);
create index waiting_cause on waiting (waits_for) where waits_for is not null;
create index waiting_ready on waiting (id) where ready;

-- Facts decided and not yet sent. Rows are deleted by exactly the ids that were sent.
create table outbox (
    id bigint generated always as identity primary key,
    topic text not null,
    key text not null,
    event bytea,
    -- True where the process that committed sends it itself; the sweeper leaves it a while.
    inline boolean not null,
    created_at timestamptz not null default now()
);

-- The last sequence given per topic and key; its row lock orders the facts of a key.
create table sequences (
    topic text not null,
    key text not null,
    last bigint not null,
    primary key (topic, key)
);

-- The fencing epoch of the sweeping leader: who lost the lead can no longer delete.
create table relay (
    single boolean primary key default true check (single),
    epoch bigint not null
);
insert into relay (epoch) values (0);

-- Work that is due at a business instant: claim, call, record.
create table timers (
    name text not null,
    subject text not null,
    due_at timestamptz not null,
    data jsonb not null default '{}',
    attempts integer not null default 0,
    lease_until timestamptz,
    lease bigint not null default 0,
    failure text,
    primary key (name, subject)
);
create index timers_due on timers (due_at);

-- Records that could not be handled; the bytes are sealed with the dead-letter key.
create table dead_letters (
    id uuid primary key,
    topic text not null,
    partition integer not null,
    record_offset bigint not null,
    key text,
    sequence bigint,
    event_id text,
    source text,
    sealed bytea not null,
    digest text not null,
    reason text not null,
    path text not null,
    attempts integer not null,
    state text not null default 'open' check (state in ('open', 'replayed', 'discarded')),
    created_at timestamptz not null default now(),
    unique (topic, partition, record_offset, digest)
);

-- Who looked at, replayed or discarded which dead letter, and why.
create table dead_letter_audit (
    id bigint generated always as identity primary key,
    dead_letter_id uuid not null references dead_letters (id) on delete cascade,
    action text not null check (action in ('show', 'replay', 'discard')),
    actor text not null,
    reason text not null,
    at timestamptz not null default now()
);

-- Claims that came by HTTP; the worker takes them through the same consumer.
create table inbound (
    id bigint generated always as identity primary key,
    topic text not null,
    key text not null,
    source text not null,
    event_id text not null,
    digest text not null,
    region text not null,
    raw bytea not null,
    received_at timestamptz not null default now(),
    taken_at timestamptz,
    unique (source, event_id)
);
create index inbound_untaken on inbound (id) where taken_at is null;

-- Business time in rehearsals; empty in production.
create table business_clock (
    single boolean primary key default true check (single),
    business_time timestamptz not null
);
