from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from contracts.codec import decode
from contracts.envelope import Envelope
from services.benefits.domain.cycles import Line, digest_of
from services.benefits.handlers import people
from tests.benefits.officers import Office, office
from tests.benefits.registry import registered, status
from tests.benefits.stories import uid
from tests.collector import Collector, texts
from tests.databases import Schema
from tests.events import NOW

pytestmark = pytest.mark.stack


async def entitled(schema: Schema, region: str, names: Sequence[str]) -> None:
    """Severely disabled adults of a region, each with 1,000,000 VND a month."""
    async with schema.database(NOW) as database, database.transaction() as tx:
        events = [registered(name) for name in names]
        moved = [
            event.model_copy(
                update={
                    "data": event.data.model_copy(update={"residence_region": f"{region}-00694"})
                }
            )
            for event in events
        ]
        await people.on_person(tx, moved)
        await people.on_person(tx, [status(name, "disability", "severe") for name in names])


async def ordered(office: Office) -> dict[str, str]:
    cycle = (await office.prepare()).json()
    await office.approve("hoa", cycle)
    done = await office.approve("nam", cycle)
    assert done.status_code == 200, done.text
    found: dict[str, str] = done.json()
    return found


async def test_a_cycle_is_prepared_once_and_shows_what_it_will_pay(schema: Schema) -> None:
    await entitled(schema, "VN-11", ["a1", "a2", "a3"])
    async with office(schema, "VN-11") as desk:
        made = await desk.prepare()
        again = await desk.prepare()
        listed = await desk.get("hoa", "/cycles", region="VN-11", month="2026-09")
    cycle = made.json()
    assert (made.status_code, made.headers["location"]) == (201, f"/cycles/{cycle['id']}")
    assert (cycle["state"], cycle["payments"], cycle["amount_minor"]) == ("prepared", 3, 3_000_000)
    assert cycle["tallies"] == [{"state": "prepared", "payments": 3, "amount_minor": 3_000_000}]
    assert (again.status_code, again.json()) == (200, cycle)
    assert [one["id"] for one in listed.json()["cycles"]] == [cycle["id"]]


async def test_an_officer_can_compute_the_digest_from_the_list(schema: Schema) -> None:
    await entitled(schema, "VN-12", [f"b{n}" for n in range(5)])
    async with office(schema, "VN-12") as desk:
        cycle = (await desk.prepare()).json()
        lines, after = [], None
        while True:
            params = {"cycle": cycle["id"], "limit": 2, **({"after": after} if after else {})}
            page = (await desk.get("hoa", "/payments", **params)).json()
            lines += page["payments"]
            after = page["next"]
            if after is None:
                break
    assert len(lines) == 5
    seen = [
        Line(
            UUID(one["id"]),
            UUID(one["entitlement_id"]),
            UUID(one["payee_id"]),
            one["month"],
            one["component"],
            one["amount_minor"],
            one["currency"],
        )
        for one in lines
    ]
    assert cycle["digest"] == digest_of(seen)


async def test_two_officers_order_every_payment_and_the_ledger_stands(schema: Schema) -> None:
    await entitled(schema, "VN-13", ["c1", "c2"])
    async with office(schema, "VN-13") as desk:
        cycle = (await desk.prepare()).json()
        first = await desk.approve("hoa", cycle)
        assert (first.json()["state"], first.json()["approved_by"]) == ("prepared", ["hoa"])
        second = await desk.approve("nam", cycle)
        assert (second.json()["state"], second.json()["approved_by"]) == ("ordered", ["hoa", "nam"])
        balances = (await desk.get("linh", "/ledger/balances", region="VN-13")).json()
    (stands,) = balances["balances"]
    assert (stands["entitled_minor"], stands["pending_minor"]) == (2_000_000, 2_000_000)
    assert (stands["paid_minor"], stands["returned_minor"]) == (0, 0)
    assert (stands["balanced"], balances["unreconciled"]) == (True, 0)
    async with schema.database(NOW) as database:
        rows = await database.pool.fetch(
            "select event from outbox where topic = 'benefits.payment.v1' and not inline"
        )
    events = [decode(row["event"]) for row in rows]
    about = [event for event in events if isinstance(event, Envelope)]
    mine = [event for event in about if event.correlationid == cycle["id"]]
    assert {event.data.person_id for event in mine} == {uid("c1"), uid("c2")}  # type: ignore[attr-defined]
    assert {event.regioncode for event in mine} == {"VN-13"}


async def test_an_order_begins_one_trace_and_its_payments_are_counted(schema: Schema) -> None:
    await entitled(schema, "VN-22", ["o1", "o2"])
    with Collector.listening() as collector:
        told = {"otlp_endpoint": collector.endpoint, "trace_share": 1.0}
        async with office(schema, "VN-22", **told) as desk:
            cycle = await ordered(desk)
        [work] = [one for one in collector.spans() if one.span.name.startswith("/cycles/")]
        counts = {metric.name: metric for metric in collector.metrics()}
    assert work.span.name == "/cycles/{cycle_id}/approvals"
    async with schema.database(NOW) as database:
        rows = await database.pool.fetch(
            "select event from outbox where position($1 in event) > 0", cycle["id"].encode()
        )
    events = [decode(row["event"]) for row in rows]
    carried = [event.traceparent or "" for event in events if isinstance(event, Envelope)]
    assert [part.split("-")[1:3] for part in carried] == [
        [work.trace_id, work.span.span_id.hex()] for _ in ("o1", "o2")
    ]
    [point] = counts["hamroh.benefits.decision.facts"].sum.data_points
    assert (texts(point.attributes), point.as_int) == ({"type": "benefits.payment.ordered"}, 2)


async def test_what_is_no_second_approval(schema: Schema) -> None:
    await entitled(schema, "VN-14", ["d1"])
    async with office(schema, "VN-14") as desk:
        cycle = (await desk.prepare()).json()
        wrong = await desk.approve("hoa", cycle, digest="0" * 64)
        assert (wrong.status_code, wrong.json()["code"]) == (409, "cycle.other_digest")
        await desk.approve("hoa", cycle)
        twice = await desk.approve("hoa", cycle)
        assert (twice.status_code, twice.json()["code"]) == (409, "cycle.second_officer_needed")
        preparer = await desk.approve("linh", cycle)
        assert (preparer.status_code, preparer.json()["code"]) == (403, "role.missing")
        shown = (await desk.get("nam", f"/cycles/{cycle['id']}")).json()
        assert (shown["state"], shown["approved_by"]) == ("prepared", ["hoa"])


async def test_an_approval_that_ordered_may_be_repeated_and_a_third_is_refused(
    schema: Schema,
) -> None:
    await entitled(schema, "VN-15", ["e1"])
    async with office(schema, "VN-15") as desk:
        cycle = await ordered(desk)
        assert (await desk.approve("nam", cycle)).json() == cycle
        third = await desk.approve("linh.2", cycle)
        assert (third.status_code, third.json()["code"]) == (409, "cycle.already_ordered")
        late = await desk.post("linh", f"/cycles/{cycle['id']}/cancellation")
        assert (late.status_code, late.json()["code"]) == (409, "cycle.already_ordered")


async def test_a_month_is_paid_once_and_a_supplement_pays_who_came_later(schema: Schema) -> None:
    await entitled(schema, "VN-16", ["f1"])
    async with office(schema, "VN-16") as desk:
        await ordered(desk)
        nothing = await desk.prepare(number=2)
        assert (nothing.status_code, nothing.json()["code"]) == (409, "cycle.nothing_to_pay")
        await entitled(schema, "VN-16", ["f2"])
        supplement = await desk.prepare(number=2)
        assert (supplement.status_code, supplement.json()["payments"]) == (201, 1)
        early = await desk.prepare(number=3)
        assert (early.status_code, early.json()["code"]) == (409, "cycle.previous_not_ordered")
        skipped = await desk.prepare(number=7)
        assert (skipped.status_code, skipped.json()["code"]) == (409, "cycle.number_skipped")


async def test_a_withdrawn_cycle_can_be_prepared_again(schema: Schema) -> None:
    await entitled(schema, "VN-17", ["g1"])
    async with office(schema, "VN-17") as desk:
        cycle = (await desk.prepare()).json()
        path = f"/cycles/{cycle['id']}/cancellation"
        gone = await desk.post("linh", path)
        assert gone.json()["tallies"] == [
            {"state": "cancelled", "payments": 1, "amount_minor": 1_000_000}
        ]
        assert (await desk.post("linh", path)).status_code == 200
        refused = await desk.approve("hoa", cycle)
        assert (refused.status_code, refused.json()["code"]) == (409, "cycle.cancelled")
        anew = (await desk.prepare(number=2)).json()
        assert (anew["payments"], anew["state"]) == (1, "prepared")
        assert anew["digest"] != cycle["digest"]


async def test_officers_see_only_their_regions(schema: Schema) -> None:
    await entitled(schema, "VN-18", ["h1"])
    async with office(schema, "VN-18") as desk:
        cycle = (await desk.prepare()).json()
        path = f"/cycles/{cycle['id']}"
        assert (await desk.get("hoa@VN-19", path)).status_code == 404
        foreign = await desk.post("hoa@VN-19", f"{path}/approvals", {"digest": cycle["digest"]})
        assert (foreign.status_code, foreign.json()["code"]) == (404, "cycle.unknown")
        assert (await desk.post("hoa@VN-19", f"{path}/cancellation")).status_code == 404
        elsewhere = await desk.prepare("linh@VN-19")
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "region.forbidden")
        for listing in ("/cycles", "/differences", "/ledger/balances"):
            answer = (await desk.get("hoa@VN-19", listing)).json()
            assert next(iter(answer.values())) == []
        params = {"cycle": cycle["id"]}
        assert (await desk.get("hoa@VN-19", "/payments", **params)).json()["payments"] == []
        who = {"person_id": str(uid("h1"))}
        assert (await desk.get("hoa@VN-19", "/entitlements", **who)).json() == []
        (own,) = (await desk.get("hoa", "/entitlements", **who)).json()
        assert (own["phase"], own["terms"][0]["amount_minor"]) == ("running", 1_000_000)


@pytest.mark.parametrize(
    ("fields", "status_code", "code"),
    [
        ({"month": "2026-10"}, 422, "month.in_future"),
        ({"month": "2026-13"}, 422, "request.invalid"),
        ({"programme": "XX-NO"}, 422, "programme.unknown"),
        ({"number": 0}, 422, "request.invalid"),
        ({"amount": 5}, 422, "request.invalid"),
        ({}, 409, "cycle.nothing_to_pay"),
    ],
)
async def test_a_cycle_that_cannot_be_prepared(
    schema: Schema, fields: dict[str, Any], status_code: int, code: str
) -> None:
    async with office(schema, "VN-20") as desk:
        answer = await desk.prepare(**fields)
    assert (answer.status_code, answer.json()["code"]) == (status_code, code)


async def test_other_roles_are_refused_everywhere(schema: Schema) -> None:
    async with office(schema) as desk:
        for path in ("/cycles", f"/cycles/{uid('x')}", "/ledger/balances"):
            assert (await desk.get("ministry", path)).status_code == 403
        assert (await desk.prepare("hoa")).status_code == 403
