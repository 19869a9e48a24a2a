"""The registry of the obvious pipe."""

from datetime import date

from tests.load import alike
from tests.load.obvious.app import Handlers, is_new, number, publish, transaction
from tests.load.obvious.events import Claim, announced

PERSON = """
insert into persons (id, region, source, record_id, household_id, role, claim_digest, birth_date,
                     birth_precision, sex, place, language, under_review, key_version, sealed,
                     registered_on)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, false, 1, $13, $14)
"""
KEY = """
insert into person_keys (person_id, region, version, wrapped, number_parts)
values ($1, $2, 1, $3, $4)
"""
STATUS = """
insert into person_statuses (person_id, region, code, level, valid_from)
values ($1, $2, $3, $4, $5)
"""
MATCH_KEY = "insert into match_keys (key, person_id) values ($1, $2)"


async def on_claim(claim: Claim) -> None:
    data, document = claim.data, claim.data.model_dump_json().encode()
    who, home = alike.named(claim.source, data.record_id), alike.named(claim.source, data.form_id)
    facts = announced(claim)
    async with transaction() as connection:
        if not await is_new(connection, claim, alike.digest(claim.model_dump_json().encode()), who):
            return
        await connection.execute(
            PERSON,
            who,
            claim.regioncode,
            claim.source,
            data.record_id,
            home,
            data.role,
            alike.digest(document),
            date.fromisoformat(data.birth_date),
            data.birth_precision,
            data.sex,
            data.place,
            data.language,
            alike.sealed(document),
            date.fromisoformat(claim.time[:10]),
        )
        parts = alike.number_parts(data.identifiers[0].value)
        await connection.execute(KEY, who, claim.regioncode, alike.WRAPPED, parts)
        for status in data.statuses:
            since = date.fromisoformat(status.valid_from)
            said = status.code, status.level, since
            await connection.execute(STATUS, who, claim.regioncode, *said)
        await connection.executemany(MATCH_KEY, [(key, who) for key in matching_keys(claim)])
        await number(connection, facts)
    await publish(facts)


def matching_keys(claim: Claim) -> list[int]:
    data, family, given = claim.data, claim.data.name.family, claim.data.name.given
    return alike.digests(
        data.identifiers[0].value,
        data.phone,
        data.birth_date + given,
        data.birth_date + family,
        data.birth_date + data.place,
        given + family + data.place,
        data.place + data.address,
    )


HANDLERS: Handlers = {alike.CLAIMS: on_claim}
