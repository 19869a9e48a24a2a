-- Roles, schemas and their limits: run by a superuser in the database, again and again.
-- Passwords are set elsewhere; a role without one cannot log in over scram-sha-256.
-- To add a service, add its name to the list below.

do $roles$
declare
    service text;
    member text;
    other text;
begin
    -- Owns every schema and table, runs nothing: migrations become it, nobody logs in as it.
    if not exists (select from pg_catalog.pg_roles where rolname = 'hamroh_owner') then
        create role hamroh_owner nologin nosuperuser nobypassrls;
    end if;

    execute format('revoke all on database %I from public', current_database());
    revoke all on schema public from public;
    -- What every server has besides: no way around the policies of this database.
    for other in
        select datname from pg_catalog.pg_database
        where datname in ('postgres', 'template1')
            and has_database_privilege('public', datname, 'connect')
    loop
        execute format('revoke all on database %I from public', other);
    end loop;
    -- Large objects know no policy, so nobody makes any.
    revoke execute on function pg_catalog.lo_create(oid), pg_catalog.lo_creat(integer),
                               pg_catalog.lo_from_bytea(oid, bytea) from public;
    -- A function that a migration makes is for whom the migration says, not for everybody.
    alter default privileges for role hamroh_owner revoke execute on functions from public;

    -- Matching needs trigrams and phonetics, exclusion constraints need btree_gist.
    create schema if not exists extensions authorization hamroh_owner;
    revoke all on schema extensions from public;
    grant usage on schema extensions to hamroh_owner;
    create extension if not exists pg_trgm schema extensions;
    create extension if not exists btree_gist schema extensions;
    create extension if not exists fuzzystrmatch schema extensions;
    create extension if not exists unaccent schema extensions;

    foreach service in array array[
        'beneficiary', 'benefits', 'casework', 'workforce', 'notifications', 'insights'
    ] loop
        execute format('create schema if not exists %I authorization hamroh_owner', service);
        execute format('revoke all on schema %I from public', service);
        foreach member in array array[service || '_api', service || '_worker'] loop
            if not exists (select from pg_catalog.pg_roles where rolname = member) then
                execute format('create role %I', member);
            end if;
            execute format(
                'alter role %I with login nosuperuser nobypassrls nocreatedb nocreaterole'
                ' noinherit noreplication connection limit 40', member);
            execute format('grant connect on database %I to %I', current_database(), member);
            execute format('grant usage on schema %I, extensions to %I', service, member);
            execute format('alter role %I set search_path = %I, extensions', member, service);
            execute format('alter role %I set timezone = ''UTC''', member);
            execute format('alter role %I set idle_in_transaction_session_timeout = ''30s''', member);
            execute format('alter role %I set lock_timeout = ''5s''', member);
        end loop;
        -- A person waits for an answer; a batch of a thousand may take longer.
        execute format('alter role %I set statement_timeout = ''10s''', service || '_api');
        execute format('alter role %I set statement_timeout = ''60s''', service || '_worker');
    end loop;
end
$roles$;
