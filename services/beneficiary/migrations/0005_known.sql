-- What registering has to know of claims and their households, as it is once nobody else registers:
-- a volatile function looks anew after the lock that it waited for, in one round trip.
create function known(sources text[], records text[], homes uuid[])
returns table (source text, record_id text, claim_digest text, household_id uuid, id uuid, role text)
language plpgsql set search_path from current
as $known$
#variable_conflict use_column
begin
    perform pg_advisory_xact_lock(hashtext('hamroh.registration'), hashtext(current_schema()));
    return query
        select p.source, p.record_id, p.claim_digest, null::uuid, p.id, p.role from persons p
        where (p.source, p.record_id) in (select * from unnest(sources, records));
    return query
        select null, null, null, p.household_id, p.id, p.role from persons p
        where p.household_id = any(homes) order by p.household_id, p.registered_on, p.id;
end
$known$;

do $grants$
begin
    revoke execute on function known(text[], text[], uuid[]) from public;
    execute format('grant execute on function known(text[], text[], uuid[]) to %I',
                   current_schema() || '_worker');
end
$grants$;
