from uuid import uuid4

import pytest

from services.notifications import store
from services.notifications.domain.deliveries import Again, Delivered
from services.notifications.handlers import (
    on_notice_issued,
    on_person,
    settle,
)
from services.runtime.sealing import PersonKeys
from tests.databases import Schema
from tests.events import NOW
from tests.notifications.facts import known, notice, sealed

pytestmark = pytest.mark.stack

EVERY_ATTEMPT_IS_DUE = "update messages set next_attempt_at = now() - interval '1 s'"


async def test_a_leased_message_is_nobody_elses_until_the_lease_ends(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        await on_notice_issued(tx, [notice(await known(tx, uuid4())) for _ in range(3)])
        first = await store.lease(tx.connection, 2, 60.0)
        second = await store.lease(tx.connection, 10, 60.0)
        third = await store.lease(tx.connection, 10, 60.0)
        await tx.connection.execute(EVERY_ATTEMPT_IS_DUE)
        again = await store.lease(tx.connection, 10, 60.0)
    assert [len(leases) for leases in (first, second, third, again)] == [2, 1, 0, 3]
    assert {one.attempt for one in again} == {2}


async def test_who_lost_the_lease_settles_nothing(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        payee = await known(tx, uuid4())
        await on_notice_issued(tx, [notice(payee)])
        late = await store.lease(tx.connection, 10, 60.0)
        await tx.connection.execute(EVERY_ATTEMPT_IS_DUE)
        [lease] = await store.lease(tx.connection, 10, 60.0)
        assert await settle(tx, [(late[0], Delivered("sms"))]) == []
        assert len(await settle(tx, [(lease, Delivered("sms"))])) == 1
        assert await settle(tx, [(lease, Delivered("sms"))]) == []
        [row] = await store.page_messages(tx.connection, payee, None, 10)
    assert (row.state, row.attempts) == ("delivered", 2)


async def test_an_attempt_put_off_is_due_only_after_its_wait(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        await on_notice_issued(tx, [notice(await known(tx, uuid4()))])
        [lease] = await store.lease(tx.connection, 10, 60.0)
        await settle(tx, [(lease, Again("sms", "provider.busy", 3600.0))])
        assert await store.lease(tx.connection, 10, 60.0) == []
        await settle(tx, [(lease, Again("sms", "provider.busy", -1.0))])
        [again] = await store.lease(tx.connection, 10, 60.0)
    assert (again.message, again.attempt) == (lease.message, 2)


async def test_a_contact_without_its_own_key_is_no_contact(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        payee = await known(tx, uuid4())
        await on_notice_issued(tx, [notice(payee)])
        await tx.connection.execute("update keys set key_version = key_version + 1")
        [lease] = await store.lease(tx.connection, 10, 60.0)
    assert lease.contact == "away"


async def test_contact_and_key_rest_as_they_came_and_the_last_of_a_wave_stays(
    schema: Schema,
) -> None:
    payee = uuid4()
    keys = PersonKeys.from_settings(schema.settings)
    old, new = sealed(keys, payee, "+84900000001"), sealed(keys, payee, "+84900000002")
    async with schema.transaction(NOW) as tx:
        await on_person(tx, [*old, *new])
        row = await tx.connection.fetchrow(
            "select sealed, wrapped_key from contacts join keys using (person_id, key_version)"
        )
    assert row is not None
    assert (row["sealed"], row["wrapped_key"]) == (new[1].data.sealed, new[0].data.wrapped_key)


async def test_the_api_sees_messages_of_its_regions_and_no_contact(schema: Schema) -> None:
    async with schema.database(NOW) as database, database.transaction() as tx:
        payee = await known(tx, uuid4())
        await on_notice_issued(tx, [notice(payee, "VN-95"), notice(payee, "VN-96", sequence=2)])
    sql = "select region from messages"
    assert [row[0] for row in await schema.seen_by_api(sql, ["VN-95"])] == ["VN-95"]
    assert await schema.seen_by_api(sql, []) == []
    for table in ("contacts", "keys", "languages"):
        with pytest.raises(Exception, match=f"permission denied for table {table}"):
            await schema.seen_by_api(f"select * from {table}", ["VN-95"])
