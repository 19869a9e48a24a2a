-- What the guard does in several steps, of which each must see what was committed while the one before
-- it waited for a lock. A volatile function looks anew at every step, in one round trip.

-- Lets go on what waits for these causes; tells whether anything did. Nobody begins to wait meanwhile.
create function release(causes text[])
returns boolean language plpgsql set search_path from current
as $release$
begin
    perform pg_advisory_xact_lock_shared(hashtext('hamroh.causes'), hashtext(current_schema()));
    update waiting set waits_for = null, ready = true
    where exists (select from waiting) and waits_for = any(causes);
    return found;
end
$release$;

-- Moves positions from where they were (null: nowhere yet), lets go on what waited for its turn, and
-- releases causes. Tells whether anything waited; null if another process moved one of them meanwhile.
create function advance(
    topics text[], keys text[], befores bigint[], afters bigint[], causes text[]
)
returns boolean language plpgsql set search_path from current
as $advance$
declare
    moved bigint;
    turned boolean;
begin
    update positions p set sequence = given.after
    from unnest(topics, keys, befores, afters) as given (topic, key, before, after)
    where given.before is not null  -- said, or every new key is looked for once more
      and p.topic = given.topic and p.key = given.key and p.sequence = given.before;
    get diagnostics moved = row_count;
    if moved <> cardinality(befores) - cardinality(array_positions(befores, null)) then
        return null;
    end if;
    insert into positions (topic, key, sequence)
    select topic, key, after
    from unnest(topics, keys, befores, afters) as given (topic, key, before, after)
    where before is null order by topic, key;
    update waiting w set ready = true
    from unnest(topics, keys, afters) as given (topic, key, after)
    where exists (select from waiting)  -- it is empty most of the time, which is seen once
      and w.topic = given.topic and w.key = given.key and w.waits_for is null and not w.ready
      and exists (select from waiting n
                  where n.topic = w.topic and n.key = w.key and n.sequence <= given.after + 1);
    turned := found;
    if cardinality(causes) > 0 then
        turned := release(causes) or turned;
    end if;
    return turned;
end
$advance$;

do $grants$
begin
    revoke execute on function advance(text[], text[], bigint[], bigint[], text[]) from public;
    revoke execute on function release(text[]) from public;
    execute format('grant execute on function release(text[]),'
                   ' advance(text[], text[], bigint[], bigint[], text[]) to %I',
                   current_schema() || '_worker');
end
$grants$;
