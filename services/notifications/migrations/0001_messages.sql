-- What is needed to reach a person, as the registry sent it. Names, phones and accounts are sealed
-- with the person's own key, and that key is wrapped: without its row nothing here can be read.
create table languages (
    person_id uuid primary key,
    region text not null,
    language text not null
);
create table contacts (
    person_id uuid primary key,
    region text not null,
    key_version integer not null,
    sealed text not null
);
create table keys (
    person_id uuid primary key,
    region text not null,
    key_version integer not null,
    wrapped_key text not null
);

-- What is to be told to whom. The text is composed from these columns whenever it is sent and is
-- kept nowhere. `attempts` counts; whoever took a message may settle the attempt they made, and an
-- attempt that was not settled by `next_attempt_at` is made again under the same id.
create table messages (
    message_id uuid primary key,
    region text not null,
    recipient_id uuid not null,
    template text not null,
    language text not null,
    amount_minor bigint not null,
    currency text not null,
    month text not null,
    state text not null default 'queued' check (state in ('queued', 'delivered', 'failed')),
    channel text not null default 'sms' check (channel in ('sms', 'email', 'voice', 'in_person')),
    attempts integer not null default 0,
    next_attempt_at timestamptz not null default now(),
    reason text,
    queued_at timestamptz not null,
    cause_id text not null,
    correlation_id text not null,
    traceparent text
);
create index messages_due on messages (next_attempt_at) where state = 'queued';
create index messages_recipient on messages (recipient_id, message_id);

select protect('languages', region => 'region');
select protect('contacts', region => 'region');
select protect('keys', region => 'region');
select protect('messages', region => 'region', api => 'select');
