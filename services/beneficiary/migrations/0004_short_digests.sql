-- Keyed digests are kept as numbers of eight bytes: their rows and the index that every newcomer is
-- entered in seven times take half the room. Two that are equal by chance cost a comparison.
create function short(digest bytea) returns bigint
language sql immutable strict
return ('x' || encode(substr(digest, 1, 8), 'hex'))::bit(64)::bigint;

create function short(parts bytea[]) returns bigint[]
language sql immutable strict
return array(select short(part) from unnest(parts) with ordinality as given (part, place)
             order by place);

alter table match_keys alter column key type bigint using short(key);
alter table person_keys alter column number_parts type bigint[] using short(number_parts);

drop function short(bytea[]);
drop function short(bytea);
