-- Of a person only a keyed hash, the month of birth, sex and place are kept.
create table subjects (
    pseudonym bytea primary key,
    region text not null,
    ward text not null,
    sex smallint not null,
    birth_month date not null
);

-- What was last said about an application or a payment; ids are keyed hashes, too.
create table latest (
    kind text not null,
    pseudonym bytea not null,
    state text not null,
    month text not null,
    region text not null,
    ward text not null,
    sex smallint not null,
    amount_minor bigint not null,
    cycle_id text not null,
    primary key (kind, pseudonym)
);
create index latest_cycle on latest (cycle_id, state) where cycle_id <> '';

-- The cube: how many, and how much, per measure, month, ward and sex.
create table cube (
    measure text not null,
    month text not null,
    region text not null,
    ward text not null,
    sex smallint not null,
    count bigint not null,
    amount_minor bigint not null,
    primary key (measure, month, ward, sex)
);
create index cube_region on cube (region, measure);

create table cycles (
    cycle_id uuid primary key,
    month text not null,
    programme text not null,
    region text not null,
    currency text not null,
    ordered bigint not null,
    ordered_minor bigint not null,
    settled bigint not null,
    settled_minor bigint not null,
    returned bigint not null,
    returned_minor bigint not null,
    closed_at timestamptz not null
);

-- What was published: a hidden cell has neither count nor amount.
create table indicators (
    cell_id uuid primary key,
    indicator text not null,
    period text not null,
    region text not null,
    breakdown text not null,
    count bigint,
    amount_minor bigint,
    suppressed boolean not null,
    revision integer not null
);
create index indicators_table on indicators (indicator, period, region);

select protect('subjects');
select protect('latest');
-- Counts of wards and published cells hold nothing about a person: dashboards read all of them.
select protect('cube', api => 'select');
select protect('cycles', api => 'select');
select protect('indicators', api => 'select');
