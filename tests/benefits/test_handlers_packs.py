import pytest

from contracts.benefits import RulepackActivated
from services.benefits.handlers import packs
from services.runtime.routes import Decided
from tests.databases import Schema
from tests.events import NOW

pytestmark = pytest.mark.stack


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
