-- Workers of the regions. The region's own record id is what it calls the worker.
create table workers (
    worker_id uuid primary key,
    region text not null,
    record_id text not null
);

-- Where and when they serve, both days included; the days of one worker never overlap.
create table deployments (
    deployment_id uuid primary key,
    worker_id uuid not null references workers (worker_id),
    region text not null,
    communities text[] not null,
    languages text[] not null,
    first_day date not null,
    last_day date not null check (last_day >= first_day),
    exclude using gist (worker_id with =, daterange(first_day, last_day, '[]') with &&)
);

select protect('workers', region => 'region', api => 'select', worker => 'select, insert, update');
select protect('deployments', region => 'region', api => 'select', worker => 'select, insert');
