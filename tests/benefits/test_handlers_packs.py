import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from contracts.benefits import EntitlementAdjusted, RulepackActivated
from services.benefits.handlers import packs, people
from services.benefits.settings import BenefitsSettings
from services.runtime.database import Transaction
from services.runtime.migrate import migrations_of
from services.runtime.routes import Decided, DueTimer, Outcome
from tests.benefits.programmes.own_law import LATER, RAISED, edited, put
from tests.benefits.registry import registered, status
from tests.databases import Schema
from tests.events import NOW

pytestmark = pytest.mark.stack


def restarted(tx: Transaction, folder: Path) -> Transaction:
    """As a worker has it that started with a ministry's folder of packs."""
    return replace(tx, settings=BenefitsSettings(rehearsal=True, packs=folder))


async def taken(tx: Transaction, name: str) -> list[DueTimer]:
    """The due timers of a name, taken as the leader takes them."""
    rows = await tx.connection.fetch(
        "delete from timers where name = $1 and due_at <= $2 returning name, subject, due_at, data",
        name,
        tx.business_now,
    )
    return [DueTimer(**{**row, "data": json.loads(row["data"])}) for row in rows]


async def in_force(tx: Transaction) -> None:
    """Everything in force is announced, and everybody looked at again."""
    found = await packs.unannounced(tx) or []
    await packs.announce(tx, found, found)


async def reviewed(tx: Transaction) -> list[Outcome]:
    outcomes: list[Outcome] = []
    while everybody := await taken(tx, packs.REVIEW_EVERYBODY):
        outcomes += await packs.review_everybody(tx, everybody)
        outcomes += await people.review(tx, await taken(tx, "review"))
    return outcomes


def told(outcomes: Sequence[Outcome]) -> list[tuple[int, int, str, str]]:
    adjusted = [
        one.payload
        for one in outcomes
        if isinstance(one, Decided) and isinstance(one.payload, EntitlementAdjusted)
    ]
    assert len(adjusted) == len(outcomes)
    return [(a.old_amount_minor, a.new_amount_minor, a.from_month, a.reason) for a in adjusted]


async def test_each_version_of_a_rule_pack_is_announced_once(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        found = await packs.unannounced(tx)
        assert found == ["VN-SA"]
        (told,) = await packs.announce(tx, found, found)
        assert isinstance(told, Decided)
        fact = told.payload
        assert isinstance(fact, RulepackActivated)
        assert (fact.pack, str(fact.valid_from), len(fact.digest)) == ("VN-SA", "2026-09-15", 64)
        assert await packs.unannounced(tx) is None
        assert await packs.announce(tx, found, found) == []


async def test_a_new_version_changes_what_is_due_to_everybody_once(
    schema: Schema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "REVIEWED_TOGETHER", 2)
    async with schema.transaction(NOW) as tx:
        # given five people with a right, and one without, under the packaged version
        await in_force(tx)
        names = ("mai", "an", "linh", "hoa", "dung")
        await people.on_person(tx, [registered(name) for name in (*names, "nam")])
        await people.on_person(tx, [status(one, "disability", "severe") for one in names])
        assert told(await reviewed(tx)) == []
        # when a version is in force that raises the standard from next month
        put(tmp_path, "vn.toml", edited("VN-SA", LATER, RAISED))
        later = restarted(tx, tmp_path)
        await in_force(later)
        # then each is told the new amount of the next month
        assert told(await reviewed(later)) == 5 * [
            (1_000_000, 1_200_000, "2026-10", "standard_changed")
        ]
        # and never again: not by another start, not when the month begins
        await in_force(later)
        assert told(await reviewed(later)) == []
        october = replace(later, business_now=datetime.fromisoformat("2026-10-01T00:30:00+07:00"))
        await packs._review_after(october, packs.NOBODY, "")
        assert told(await reviewed(october)) == []


async def test_two_versions_at_one_standing_instant_are_told_by_facts_of_their_own(
    schema: Schema, tmp_path: Path
) -> None:
    once, twice = tmp_path / "once", tmp_path / "twice"
    put(once, "vn.toml", edited("VN-SA", LATER, RAISED))
    again = (RAISED, ("2026.10.1", "2026.10.2"), ('"600000"', '"650000"'))
    put(twice, "vn.toml", edited("VN-SA", LATER, *again))
    async with schema.transaction(NOW) as tx:
        # given somebody with a right, in a rehearsal whose clock stands
        await in_force(tx)
        await people.on_person(tx, [registered("mai")])
        await people.on_person(tx, [status("mai", "disability", "severe")])
        assert told(await reviewed(tx)) == []
        # when the standard is raised, and raised again
        facts = []
        for folder in (once, twice):
            later = restarted(tx, folder)
            await in_force(later)
            facts += await reviewed(later)
        # then both are told, and neither passes for the other
        assert [amount for _, amount, _, _ in told(facts)] == [1_200_000, 1_300_000]
        assert len({fact.cause.seed for fact in facts if isinstance(fact, Decided)}) == 2


async def test_a_group_that_new_law_opens_is_found_among_those_who_had_nothing(
    schema: Schema, tmp_path: Path
) -> None:
    async with schema.transaction(NOW) as tx:
        # given somebody of 50 in need, for whom the law has nothing
        await in_force(tx)
        await people.on_person(tx, [registered("mai", "1975-05-01")])
        needs = [status("mai", "poor_household"), status("mai", "single_no_support")]
        assert await people.on_person(tx, needs) == []
        # when a new version pays from 50 on
        younger = ('age = "60..80", poor_household', 'age = "50..80", poor_household')
        put(tmp_path, "vn.toml", edited("VN-SA", LATER, younger))
        later = restarted(tx, tmp_path)
        await in_force(later)
        # then it is decided without any event of the registry
        outcomes = await reviewed(later)
        kinds = [type(one.payload).__name__ for one in outcomes if isinstance(one, Decided)]
        assert kinds == ["ApplicationDecided", "EntitlementStarted", "NoticeIssued"]


async def test_law_that_was_announced_is_neither_edited_in_place_nor_taken_back(
    schema: Schema, tmp_path: Path
) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    put(first, "vn.toml", edited("VN-SA", LATER, RAISED))
    put(second, "vn.toml", edited("VN-SA", LATER, RAISED, ('"600000"', '"650000"')))
    put(third, "vn.toml", edited("VN-SA", LATER, RAISED, ("2026.10.1", "2026.10.2")))
    async with schema.transaction(NOW) as tx:
        # given the packaged version and an own one after it
        for law in (tx, restarted(tx, first)):
            assert await packs.refusals(law) == []
            await in_force(law)
            assert await packs.refusals(law) == []
        # then the own file with another amount is refused by name, and so is the old version
        for law, file in ((restarted(tx, second), str(second / "vn.toml")), (tx, "vn_sa.toml")):
            (refused,) = await packs.refusals(law)
            assert f"{file}: version: not_later: " in refused
        # and a later version may follow
        assert await packs.refusals(restarted(tx, third)) == []


async def test_a_digest_of_a_former_kind_stops_nobody_and_is_made_anew(
    schema: Schema, tmp_path: Path
) -> None:
    put(tmp_path, "vn.toml", edited("VN-SA", RAISED))
    (anew,) = [one for one in migrations_of("benefits") if one.file == "0003_pack_digests.sql"]
    async with schema.transaction(NOW) as tx:
        # given a version that was announced when digests were made otherwise
        await in_force(tx)
        await tx.connection.execute("reset role")
        await tx.connection.execute("update activated_packs set digest = 'made otherwise'")
        assert len(await packs.refusals(tx)) == 1
        # when the schema is brought up to date, and a worker starts
        await tx.connection.execute(anew.sql)
        await tx.connection.execute("set role benefits_worker")
        assert await packs.refusals(tx) == []
        found = await packs.unannounced(tx) or []
        # then nothing is told again, and from now on the version may not be edited
        assert await packs.announce(tx, found, found) == []
        assert await packs.unannounced(tx) is None
        assert await packs.refusals(tx) == []
        assert len(await packs.refusals(restarted(tx, tmp_path))) == 1
