-- Money: cycles that two officers approve, payments, the ledger, the bank's answers.

create table cycles (
    id uuid primary key,
    region text not null,
    programme text not null,
    month text not null check (month ~ '^[0-9]{4}-[0-9]{2}$'),
    number integer not null check (number >= 1),
    currency text not null,
    state text not null check (state in ('prepared', 'ordered', 'closed', 'cancelled')),
    digest text not null,
    payments bigint not null,
    amount_minor bigint not null,
    prepared_by text not null,
    prepared_at timestamptz not null,
    ordered_at timestamptz,
    -- Machine time: since when it may be sent, and the bank's last news about it.
    released_at timestamptz,
    answered_at timestamptz,
    closed_at timestamptz,
    unique (programme, month, region, number),
    unique (id, prepared_by, digest)
);
create index cycles_region on cycles (region, month, id);
create index cycles_open on cycles (id) where state = 'ordered';

-- The foreign key binds an approval to the lines it approved and to the officer who prepared them.
create table approvals (
    cycle_id uuid not null,
    region text not null,
    officer text not null,
    prepared_by text not null,
    digest text not null,
    approved_at timestamptz not null,
    primary key (cycle_id, officer),
    check (officer <> prepared_by),
    foreign key (cycle_id, prepared_by, digest) references cycles (id, prepared_by, digest)
);

create table payments (
    id uuid primary key,
    region text not null,
    cycle_id uuid not null,
    entitlement_id uuid not null,
    person_id uuid not null,
    payee_id uuid not null,
    residence text not null,
    programme text not null,
    month text not null,
    component text not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency text not null,
    -- What came of it. While `open` it stands where its cycle stands, prepared or ordered: an
    -- approval changes one row, not a hundred thousand.
    state text not null check (state in ('open', 'settled', 'returned', 'cancelled')),
    batch_id uuid,
    booked_sequence bigint,
    booked_on date,
    returned_sequence bigint,
    reason text,
    check ((state = 'returned') = (returned_sequence is not null))
);
-- At most one live instruction per entitlement, month and component.
create unique index payments_live on payments (entitlement_id, month, component)
    where state in ('open', 'settled');
create index payments_entitlement on payments (entitlement_id, month);
create index payments_cycle on payments (cycle_id, id);
create index payments_batch on payments (batch_id) where batch_id is not null;
create index payments_unanswered on payments (cycle_id) where state = 'open';
create index payments_unsent on payments (cycle_id, id) where state = 'open' and batch_id is null;

-- The ledger. A row takes an amount from one account and gives it to another: it cannot be out of
-- balance. Nobody may change or delete a row; each posting happens to a payment at most once.
create table transfers (
    payment_id uuid not null,
    posting text not null,
    region text not null,
    programme text not null,
    month text not null,
    currency text not null,
    amount_minor bigint not null check (amount_minor > 0),
    debit text not null,
    credit text not null,
    posted_at timestamptz not null,
    primary key (payment_id, posting),
    check ((posting, debit, credit) in (
        ('ordered', 'budget', 'payable'),
        ('settled', 'payable', 'bank'),
        ('rejected', 'payable', 'returned'),
        ('returned', 'bank', 'returned')
    ))
);
create index transfers_period on transfers (programme, month, region);

create table batches (
    id uuid primary key,
    region text not null,
    cycle_id uuid not null references cycles (id),
    created_at timestamptz not null,
    execute_on date not null,
    payments bigint not null,
    state text not null check (state in ('open', 'taken', 'refused', 'contradicted')),
    attempts integer not null default 0,
    -- Machine time before which the file is not sent again.
    next_attempt_at timestamptz not null default now(),
    reason text
);
create index batches_open on batches (next_attempt_at) where state = 'open';

-- The contacts a file was written from, sealed: sent again, it must be the same bytes. Deleted as
-- soon as the bank has the file.
create table batch_lines (
    payment_id uuid primary key,
    batch_id uuid not null references batches (id),
    payee_id uuid not null,
    payee_key_version integer,
    payee_sealed text,
    head_id uuid,
    head_key_version integer,
    head_sealed text
);
create index batch_lines_batch on batch_lines (batch_id, payment_id);

create table bank_messages (
    number bigint primary key,
    message_id text not null,
    kind text not null,
    digest text not null,
    state text not null check (state in ('applied', 'repeated', 'unreadable')),
    answers integer not null,
    reason text,
    received_at timestamptz not null default now()
);
create unique index bank_messages_once on bank_messages (message_id) where state <> 'repeated';

-- What a person must look at: nothing here is netted away.
create table differences (
    id bigint generated always as identity primary key,
    -- The bank's message and the place in it; null where a file of ours was contradicted.
    number bigint,
    place integer,
    -- Null where the bank names no payment of ours: only the worker sees it.
    region text,
    code text not null,
    payment_id uuid,
    reference text,
    amount_minor bigint,
    currency text,
    found_at timestamptz not null default now()
);

select protect('cycles', 'region', 'select, insert', 'select');
select protect('approvals', 'region', 'select, insert', 'select');
select protect('payments', 'region', 'select, insert', 'select');
select protect('transfers', 'region', 'select, insert', 'select, insert');
select protect('batches', worker => 'select, insert, update');
select protect('batch_lines', worker => 'select, insert, delete');
select protect('bank_messages', worker => 'select, insert');
select protect('differences', 'region', 'select', 'select, insert');

-- What two officers approved cannot be changed by anybody who runs: only these columns can.
do $columns$
begin
    execute format('grant update (state, ordered_at, released_at) on cycles to %I', current_schema() || '_api');
    execute format('grant update (state, answered_at, closed_at) on cycles to %I',
                   current_schema() || '_worker');
    execute format('grant update (state) on payments to %I', current_schema() || '_api');
    execute format('grant update (state, batch_id, booked_sequence, booked_on, returned_sequence,'
                   ' reason) on payments to %I', current_schema() || '_worker');
end
$columns$;

-- Two different officers, or nothing is ordered: whatever the code above says.
create function two_officers() returns trigger language plpgsql set search_path from current as $two$
begin
    if new.state = 'ordered' and old.state <> 'ordered'
        and (select count(*) from approvals where cycle_id = new.id) <> 2 then
        raise exception 'a cycle is ordered by two approvals';
    end if;
    return new;
end
$two$;
create trigger two_officers before update of state on cycles
    for each row execute function two_officers();

-- Open payments in no file yet, with the sealed contacts of who may receive them: the payee,
-- or the head of the household where the payee has no account.
create view sendable with (security_invoker = true) as
select p.cycle_id, p.id as payment_id, p.payee_id,
       c.key_version as payee_key_version, c.sealed as payee_sealed,
       home.head_id, hc.key_version as head_key_version, hc.sealed as head_sealed,
       (k.wrapped is not null and (home.head_id is null or hk.wrapped is not null)) as reachable
from payments p
join persons person on person.id = p.person_id
left join households home on home.id = person.household_id and home.head_id <> p.payee_id
left join contacts c on c.person_id = p.payee_id
left join person_keys k on k.person_id = c.person_id and k.version = c.key_version
left join contacts hc on hc.person_id = home.head_id
left join person_keys hk on hk.person_id = hc.person_id and hk.version = hc.key_version
where p.state = 'open' and p.batch_id is null;
do $view$
begin
    execute format('grant select on sendable to %I', current_schema() || '_worker');
end
$view$;
