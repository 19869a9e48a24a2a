-- Who may touch which row. The runner stands in the service's schema as hamroh_owner; the roles are
-- `<schema>_worker` (all rows, by an explicit policy) and `<schema>_api` (rows of the regions that
-- the transaction names, nothing without). Nobody bypasses row-level security, the owner included.
--
-- A service's migration says one line per table:
--
--   select protect('cases', region => 'region', api => 'select, insert, update');
--   select protect('journal', worker => 'select, insert');         -- append-only; no api
--   select protect('holidays', api => 'select');                   -- the same for every region
--
-- `region` is the column with the region code; an api of a table without it sees every row, so such
-- a table holds nothing about persons. Rows that a migration brings are inserted before `protect`;
-- a later one that changes rows wraps it in `alter table … no force row level security` and back.

-- Regions of the transaction as patterns over `<code>-`: `VN-07-%` takes VN-07 and what is below.
-- Read once per statement. What is no region code, a wildcard above all, matches nothing.
create function region_patterns() returns text[]
language sql stable parallel safe set search_path from current
return array(
    select code || '-%'
    from unnest(string_to_array(current_setting('hamroh.regions', true), ',')) as code
    where code ~ '^[A-Z]{2}(-[A-Z0-9]{1,20}){1,3}$'
);
revoke execute on function region_patterns() from public;

create function protect(
    target text,
    region text default null,
    api text default null,
    worker text default 'select, insert, update, delete'
) returns void
language plpgsql set search_path from current
as $protect$
declare
    api_role text := current_schema() || '_api';
    worker_role text := current_schema() || '_worker';
    visible text := 'true';
    privileges text;
begin
    foreach privileges in array array[worker, coalesce(api, 'select')] loop
        if privileges !~ '^(select|insert|update|delete)(, (select|insert|update|delete))*$' then
            raise exception 'not a list of privileges: %', privileges;
        end if;
    end loop;
    execute format('alter table %I enable row level security', target);
    execute format('alter table %I force row level security', target);
    execute format('grant %s on %I to %I', worker, target, worker_role);
    execute format('create policy worker_all on %I to %I using (true) with check (true)',
                   target, worker_role);
    if api is null then
        return;
    end if;
    if region is not null then
        visible := format('(%I || ''-'') like any ((select region_patterns())::text[])', region);
    end if;
    execute format('grant %s on %I to %I', api, target, api_role);
    execute format('create policy api_region on %I to %I using (%s) with check (%s)',
                   target, api_role, visible, visible);
end
$protect$;
revoke execute on function protect(text, text, text, text) from public;

select protect('inbox', region => 'region', api => 'select');
select protect('positions');
select protect('waiting');
select protect('outbox', api => 'insert');
select protect('sequences', api => 'select, insert, update');
select protect('relay');
select protect('timers');
select protect('dead_letters');
select protect('dead_letter_audit', worker => 'select, insert');
select protect('inbound', region => 'region', api => 'insert');
select protect('business_clock', api => 'select');

do $grants$
declare
    api_role text := current_schema() || '_api';
begin
    execute format('grant execute on function region_patterns() to %I', api_role);
    -- `returning id`; what waits to be sent is not for an api to read.
    execute format('grant select (id) on outbox to %I', api_role);
    -- A status address needs all but the bytes.
    execute format('grant select (id, source, event_id, digest, region, received_at, taken_at)'
                   ' on inbound to %I', api_role);
end
$grants$;
