-- Where a person lives and which language they prefer: all that casework keeps of the registry.
create table people (
    person_id uuid primary key,
    region text not null,
    residence_region text not null,
    language text not null
);

-- Workers of the regions and the days they serve; the days of one worker never overlap.
create table deployments (
    deployment_id uuid primary key,
    worker_id uuid not null,
    region text not null,
    communities text[] not null,
    languages text[] not null,
    first_day date not null,
    last_day date not null
);
create index deployments_region on deployments (region, last_day);

-- One case per returned payment, for ever. Without an owner it waits in the supervisor's pool.
create table cases (
    case_id uuid primary key,
    payment_id uuid not null unique,
    person_id uuid not null,
    region text not null,
    community text not null,
    risk_level text not null check (risk_level in ('none', 'low', 'medium', 'high')),
    setting text not null,
    state text not null check (state in ('open', 'closed')),
    owner_id uuid,
    opened_at timestamptz not null,
    contact_due_at timestamptz not null,
    accept_due_at timestamptz not null
);
create index cases_load on cases (owner_id) where state = 'open';
create index cases_person on cases (person_id);

select protect('people', region => 'region', worker => 'select, insert, update');
select protect('deployments', region => 'region', worker => 'select, insert, update');
select protect('cases', region => 'region', api => 'select');
